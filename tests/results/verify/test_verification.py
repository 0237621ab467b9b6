import pytest

from farm.results import Change, Difference, FrameFinding, Verdict, Verification
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
GONE, STALE, FAILED = Verdict.MISSING, Verdict.OTHER_RECIPE, Verdict.FAILED


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([SAME, SAME], 0),
        ([SAME, OTHER], 1),
        ([SAME, TAMPERED], 1),
        ([TAMPERED, GONE], 1),
        ([OTHER, FAILED], 1),
        ([SAME, GONE], 3),
        ([SAME, STALE], 3),
        ([SAME, FAILED], 3),
        ([GONE, GONE], 1),
        ([STALE, FAILED], 1),
        ([], 1),
    ],
)
def test_the_exit_code_follows_from_the_verdicts(verdicts, code):
    assert found(*verdicts).exit_code == code
    assert found(*verdicts, interrupted=True).exit_code == 130


def test_frames_are_counted_by_verdict():
    seen = found(SAME, SAME, GONE, OTHER)
    assert (seen.count(), seen.count(SAME), seen.count(SAME, GONE), seen.compared) == (4, 2, 3, 3)


def test_neighbours_of_which_the_same_is_said_take_the_room_of_one_in_whatever_order_they_come():
    findings = FindingCollector()
    for frame in [*range(5000, 10000), *reversed(range(5000))]:
        verdict, reason = (GONE, "gone") if frame in (7, 8) else (SAME, "")
        findings.add(FrameFinding(first=frame, last=frame, verdict=verdict, reason=reason))
        assert len(findings._found) <= 2100
    assert [(each.first, each.last, each.verdict, each.count) for each in findings.sorted()] == [
        (0, 6, SAME, 7),
        (7, 8, GONE, 2),
        (9, 9999, SAME, 9991),
    ]


def test_what_was_measured_and_what_differs_in_words_stays_apart():
    change = Change(key="torch", recorded="1", now="2")
    findings = FindingCollector()
    for frame, said in enumerate(
        [
            {"verdict": OTHER, "difference": NEAR},
            {"verdict": OTHER, "difference": NEAR},
            {"verdict": SAME},
            {"verdict": SAME, "changes": (change,)},
            {"verdict": GONE, "reason": "a"},
            {"verdict": GONE, "reason": "b"},
        ]
    ):
        findings.add(FrameFinding(first=frame, last=frame, **said))
    assert [(each.first, each.last) for each in findings.sorted()] == [(n, n) for n in range(6)]


def test_changes_are_told_once_each():
    change = Change(key="torch", recorded="1", now="2")
    earlier = Change(key="device", recorded="cpu", now="cuda")
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
