"""What a sender calls an event as the name of one, as docs/sources.md tells it; there always is one."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from auditapp.inbound.naming import event_name_of, is_event_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        # what is a name stays one
        ("deal.updated", "deal.updated"),
        ("Crm.DealLineItem.wasAdded", "crm.deal_line_item.was_added"),
        ("com.example.order.created.v1", "com.example.order.created.v1"),
        # versions
        ("dev.cdevents.artifact.packaged.0.3.0-draft", "dev.cdevents.artifact.packaged"),
        ("com.example.order.paid.v1.0", "com.example.order.paid"),
        ("com.example.order.paid.2020-08-27", "com.example.order.paid"),
        ("com.example.order.paid.1.0.0-rc.1", "com.example.order.paid"),
        ("com.example.order.paid@2.1", "com.example.order.paid"),
        ("com.example.order.paid.7", "com.example.order.paid"),
        ("api.1.0.order.paid.2.0", "api.n1.n0.order.paid"),
        ("1.0", "event.n1"),
        # digits
        ("com.3m.order.paid", "com.n3m.order.paid"),
        ("2fa", "event.n2fa"),
        # accents and other alphabets
        ("com.acmé.Straße.øre", "com.acme.strasse.ore"),
        ("com.订单.paid", "com.u8ba2_u5355.paid"),
        ("com.用户.paid", "com.u7528_u6237.paid"),
        ("заказ.paid", "u437_u430_u43a_u430_u437.paid"),
        ("Ｄｅａｌ．ｐａｉｄ", "event.deal_paid"),
        # URLs, URNs, paths
        ("https://example.com/events/order-paid", "https.example.com.events.order_paid"),
        (
            "https://example.com/events?type=paid&v=1#OrderPaid",
            "https.example.com.events_type_paid_v_1.order_paid",
        ),
        ("urn:example:order:paid", "urn.example.order.paid"),
        ("aws.s3/ObjectCreated:Put", "aws.s3.object_created.put"),
        ("deal/x.updated", "deal.x.updated"),
        # blanks, signs, empty parts
        ("order paid", "event.order_paid"),
        (" order . paid ", "order.paid"),
        ("order\tpaid.\n", "event.order_paid"),
        ("a..b", "a.b"),
        (".updated", "event.updated"),
        ("deal.", "event.deal"),
        ("_deal_._updated_", "deal.updated"),
        ("deal.!!.updated", "deal.updated"),
        ("deal.🎉 updated", "deal.updated"),
        # one word, no words
        ("DealUpdated", "event.deal_updated"),
        ("ORDER", "event.order"),
        ("🎉", "event.u1f389"),
        ("!?", "event.u21_u3f"),
        ("...", "event.u2e_u2e_u2e"),
        (" ", "event.u20"),
    ],
)
def test_any_text_has_a_name(text, name):
    assert event_name_of(text) == name


def test_a_single_word_is_of_the_type_that_is_given():
    assert event_name_of("2fa on", "user") == "user.n2fa_on"


@pytest.mark.parametrize("long", ["a." + "b" * 130, "a" * 400, "A.b" * 60, "é." * 90 + "x" * 60, "订" * 50])
def test_a_long_text_ends_in_what_tells_it_from_others(long):
    names = {event_name_of(long + end) for end in ("", "1", "2")}

    assert len(names) == 3
    assert all(is_event_name(name) and len(name) <= 128 for name in names)


@given(st.text(st.characters(exclude_categories=()), min_size=1))
@example("auditapp")
@example("\ud800")
@example("." * 300)
@example("́")
@example("ﷺ.½.x")
def test_every_text_gives_a_name_and_always_the_same(text):
    name = event_name_of(text)

    assert is_event_name(name) and len(name) <= 128
    assert event_name_of(text) == name
    assert event_name_of(name) == name
