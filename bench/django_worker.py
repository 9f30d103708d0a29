"""A contender of ``capture.py`` on Django: ``plain`` or ``auditlog``."""

import gc
import sys
import time

import django
from django.conf import settings
from rows import CHANGED, PRAGMAS, a_row, repeats
from sqlalchemy import make_url


def database_at(url: str) -> dict[str, object]:
    """Return Django's settings for a database that SQLAlchemy's URL names."""
    at = make_url(url)
    if at.get_backend_name() == "postgresql":
        host = at.query.get("host", at.host)
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": at.database,
            "USER": at.username,
            "HOST": host,
            "PORT": at.port or "",
        }
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": at.database,
        "OPTIONS": {"init_command": ";".join(PRAGMAS), "transaction_mode": "DEFERRED"},
    }


def prepare(mode: str, url: str) -> type:
    """Configure Django, make the tables and the 15-column model."""
    installed = ["django.contrib.contenttypes", "django.contrib.auth"]
    settings.configure(
        DATABASES={"default": database_at(url)},
        INSTALLED_APPS=[*installed, "auditlog"] if mode == "auditlog" else installed,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=False,
    )
    django.setup()
    from django.core.management import call_command
    from django.db import connection, models

    class Deal(models.Model):
        name = models.TextField()
        company = models.TextField()
        email = models.TextField()
        phone = models.TextField()
        city = models.TextField()
        country = models.TextField()
        stage = models.TextField()
        source = models.TextField()
        note = models.TextField()
        seats = models.IntegerField()
        value = models.FloatField()
        active = models.BooleanField()
        opened_at = models.DateTimeField()
        due = models.DateField()

        class Meta:
            app_label = "auth"
            db_table = "bench_deal"

    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        editor.create_model(Deal)
    if mode == "auditlog":
        from auditlog.registry import auditlog

        auditlog.register(Deal)
    return Deal


def work(deal: type, size: int, number: int) -> None:
    """Insert ``size`` rows and commit; read them, change three columns, commit."""
    from django.db import transaction

    with transaction.atomic():
        rows = [deal(**a_row(number + place)) for place in range(size)]
        for row in rows:
            row.save()
    with transaction.atomic():
        for row in deal.objects.filter(pk__in=[row.pk for row in rows]):
            for name, value in CHANGED.items():
                setattr(row, name, value)
            row.save()


def main() -> None:
    """Answer each size on stdin with the seconds of one such piece of work."""
    deal = prepare(sys.argv[1], sys.argv[2])
    gc.freeze()  # what was imported is not to be looked through again and again, as in a server
    for line in sys.stdin:
        size = int(line)
        started = time.perf_counter()
        for number in range(repeats(size)):
            work(deal, size, number)
        print((time.perf_counter() - started) / repeats(size), flush=True)


if __name__ == "__main__":
    main()
