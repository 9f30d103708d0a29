"""What one parameter of the filter asks for: values that count, and values that do not."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Values:
    """What one parameter includes (any of them) and excludes (none of them)."""

    included: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.included or self.excluded)

    def lets(self, value: str) -> bool:
        """Tell whether a value passes: any of the included, none of the excluded."""
        return (not self.included or value in self.included) and value not in self.excluded

    def as_typed(self) -> list[str]:
        """Return the values as the URL has them, sorted."""
        return sorted({*self.included, *("!" + value for value in self.excluded)})


NOTHING = Values()
