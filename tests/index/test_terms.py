"""Terms: what is kept of them in memory, and what is not."""

from auditapp.index import terms


def test_terms_of_long_values_are_made_anew_rather_than_kept():
    """Values of up to 256 KiB would fill the memory of a server with what never comes again."""
    kept = terms._value_term_kept.cache_info().currsize

    made = [terms.value_term(1, "to", "notes", f"{number} " + "x" * 1000) for number in range(5)]

    assert len(set(made)) == 5
    assert terms._value_term_kept.cache_info().currsize == kept
    assert terms.value_term(1, "to", "notes", "0 " + "x" * 1000) == made[0]
