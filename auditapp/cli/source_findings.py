"""What ``flask doctor`` says of sources: each that fails, in what way, and where to mend it."""

from collections.abc import Iterator

from auditapp.inbound.source import failing


def source_findings() -> Iterator[tuple[bool, str]]:
    """Yield whether it is fine, and a line; needs a database of this version."""
    failures = failing()
    if not failures:
        yield True, "no source fails"
    for source, problems in failures:
        yield (
            False,
            f"the source {source.name!r} of {source.workspace.slug} fails: {' '.join(problems)}"
            " See Settings → Sources",
        )
