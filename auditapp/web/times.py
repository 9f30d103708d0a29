"""An instant as a reader wants it: how long ago, at what time of their day, and exactly."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from auditapp.filters.moments import in_zone

_STEPS = ((60, "min", 60), (3600, "h", 24), (86400, "day", 7), (604800, "week", 5))


def iso(moment: datetime) -> str:
    """Return an instant for a ``datetime`` attribute, and for a URL."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def distance(length: timedelta) -> str:
    """Return how long after something else, in two units at most: "+1 h 59 min"; "−2 s" is before it."""
    seconds = abs(length.total_seconds())
    sign = "−" if length < timedelta() else "+"
    if 0 < seconds < 1:
        return f"{sign}{max(1, int(seconds * 1000))} ms"
    days, rest = divmod(int(seconds), 86400)
    counts = (days, rest // 3600, rest // 60 % 60, rest % 60)
    units = ("day" if days == 1 else "days", "h", "min", "s")
    first = next((place for place, count in enumerate(counts) if count), 3)
    two = list(zip(counts, units, strict=True))[first : first + 2]
    return sign + " ".join(f"{count:,} {unit}" for count, unit in two if count or first == 3)


class Time:
    """One instant in the viewer's zone. Locale-free on purpose: every server writes the same."""

    def __init__(self, moment: datetime, zone: ZoneInfo, now: datetime) -> None:
        self.utc = moment.astimezone(UTC)
        self.local = in_zone(moment, zone)
        self.today = now.astimezone(zone).date()
        self.seconds = (now - moment).total_seconds()

    @property
    def iso(self) -> str:
        """Return the instant for a ``datetime`` attribute."""
        return iso(self.utc)

    @property
    def day(self) -> date:
        """Return the day in the viewer's zone."""
        return self.local.date()

    @property
    def day_words(self) -> str:
        """Return the day for a heading: "Today", "Yesterday", "Tuesday, 24 March 2026"."""
        days = (self.today - self.day).days
        return {
            0: f"Today, {self.local.day} {self.local:%B}",
            1: f"Yesterday, {self.local.day} {self.local:%B}",
        }.get(days, self.day_on_paper)

    @property
    def day_on_paper(self) -> str:
        """Return the day for a heading that is read later, on paper: "Tuesday, 24 March 2026"."""
        return f"{self.local:%A}, {self.local.day} {self.local:%B} {self.local.year}"

    @property
    def clock(self) -> str:
        """Return the time of day, to the minute."""
        return f"{self.local:%H:%M}"

    @property
    def clock_exact(self) -> str:
        """Return the time of day, to the second."""
        return f"{self.local:%H:%M:%S}"

    @property
    def on_paper(self) -> str:
        """Return the instant in the viewer's zone alone: "2026-03-24 10:55:43.898000 CET"."""
        return f"{self.local.replace(tzinfo=None).isoformat(sep=' ')} {self.local.tzname()}"

    @property
    def date_and_clock(self) -> str:
        """Return day and time: "24 Mar 2026, 10:55"."""
        return f"{self.local.day} {self.local:%b} {self.local.year}, {self.clock}"

    @property
    def date_and_clock_exact(self) -> str:
        """Return day and time, to the second: "24 Mar 2026, 10:55:43"."""
        return f"{self.local.day} {self.local:%b} {self.local.year}, {self.clock_exact}"

    @property
    def ago(self) -> str:
        """Return the distance from now in its largest unit: "3 min ago"."""
        if self.seconds < 0:
            return "just ahead"
        if self.seconds < 60:
            return "just now"
        for size, unit, many in _STEPS:
            count = int(self.seconds // size)
            if count < many:
                return f"{count} {unit}{'s' if count > 1 and unit in ('day', 'week') else ''} ago"
        months = max(1, int(self.seconds // 2629800))
        if months < 12:
            return f"{months} month{'s' if months > 1 else ''} ago"
        years = months // 12
        return f"{years} year{'s' if years > 1 else ''} ago"

    @property
    def exact(self) -> str:
        """Return the instant in the viewer's zone and in UTC, to the last digit recorded."""
        local = self.local.replace(tzinfo=None).isoformat(sep=" ")
        utc = self.utc.replace(tzinfo=None).isoformat(sep=" ")
        zone = f"{self.local.tzname()} (UTC{self.local:%z})"
        zone = f"{zone[:-3]}:{zone[-3:]}" if self.local.utcoffset() else "UTC"
        return f"{local} {zone}" if zone == "UTC" else f"{local} {zone} · {utc} UTC"
