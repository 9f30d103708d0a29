"""Marks: what is kept of them in memory, and what is not."""

from auditapp.log import terms


def test_marks_of_long_values_are_made_anew_rather_than_kept():
    """Values of up to 256 KiB would fill the memory of a server with what never comes again."""
    kept = terms._mark_kept.cache_info().currsize

    marks = [terms.mark(1, "to", "notes", f"{number} " + "x" * 1000) for number in range(5)]

    assert len(set(marks)) == 5
    assert terms._mark_kept.cache_info().currsize == kept
    assert terms.mark(1, "to", "notes", "0 " + "x" * 1000) == marks[0]
