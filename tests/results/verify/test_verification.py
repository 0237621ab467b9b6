import pytest

from farm.results import Difference, EnvironmentChange, FrameFinding, Verdict, Verification
from farm.results.verify import FindingCollector

NEAR = Difference(max=1, mean=0.25, psnr=54.2)


def found(*verdicts, interrupted=False):
    findings = [
        FrameFinding(first=frame, last=frame, verdict=verdict) for frame, verdict in enumerate(verdicts)
    ]
    return Verification(
        name="job",
        folder="out/job",
        planned=21,
        findings=tuple(findings),
        again="",
        promised=True,
        seconds=1.0,
        interrupted=interrupted,
    )


SAME, OTHER, TAMPERED = Verdict.IDENTICAL, Verdict.DIFFERS, Verdict.ALTERED
MISSING, STALE, FAILED = Verdict.MISSING, Verdict.OTHER_RECIPE, Verdict.FAILED


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([SAME, SAME], 0),
        ([SAME, OTHER], 1),
        ([SAME, TAMPERED], 1),
        ([TAMPERED, MISSING], 1),
        ([OTHER, FAILED], 1),
        ([SAME, MISSING], 3),
        ([SAME, STALE], 3),
        ([SAME, FAILED], 3),
        ([MISSING, MISSING], 1),
        ([STALE, FAILED], 1),
        ([], 1),
    ],
)
def test_the_exit_code_follows_from_the_verdicts(verdicts, code):
    assert found(*verdicts).exit_code == code
    assert found(*verdicts, interrupted=True).exit_code == 130


def test_frames_are_counted_by_verdict():
    seen = found(SAME, SAME, MISSING, OTHER)
    assert (seen.count(), seen.count(SAME), seen.count(SAME, MISSING), seen.compared) == (4, 2, 3, 3)


def test_equal_findings_of_neighbours_are_merged_in_any_order_of_arrival():
    findings = FindingCollector()
    for frame in [*range(5000, 10000), *reversed(range(5000))]:
        verdict, reason = (MISSING, "missing") if frame in (7, 8) else (SAME, "")
        findings.add(FrameFinding(first=frame, last=frame, verdict=verdict, reason=reason))
        assert len(findings._found) <= 2100
    assert [(each.first, each.last, each.verdict, each.count) for each in findings.sorted()] == [
        (0, 6, SAME, 7),
        (7, 8, MISSING, 2),
        (9, 9999, SAME, 9991),
    ]


def test_differences_and_unequal_findings_are_not_merged():
    change = EnvironmentChange(key="torch", recorded="1", now="2")
    findings = FindingCollector()
    for frame, finding in enumerate(
        [
            {"verdict": OTHER, "difference": NEAR},
            {"verdict": OTHER, "difference": NEAR},
            {"verdict": SAME},
            {"verdict": SAME, "changes": (change,)},
            {"verdict": MISSING, "reason": "a"},
            {"verdict": MISSING, "reason": "b"},
        ]
    ):
        findings.add(FrameFinding(first=frame, last=frame, **finding))
    assert [(each.first, each.last) for each in findings.sorted()] == [(n, n) for n in range(6)]


def test_changes_are_distinct():
    change = EnvironmentChange(key="torch", recorded="1", now="2")
    earlier = EnvironmentChange(key="device", recorded="cpu", now="cuda")
    seen = [(change,), (change, earlier), ()]
    findings = tuple(
        FrameFinding(first=n, last=n, verdict=SAME, changes=changes) for n, changes in enumerate(seen)
    )
    verification = Verification(
        name="job",
        folder="out/job",
        planned=3,
        findings=findings,
        again="",
        promised=True,
        seconds=1.0,
        interrupted=False,
    )
    assert verification.changes == (earlier, change)
