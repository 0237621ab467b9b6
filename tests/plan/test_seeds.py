import pytest

from farm.plan import derive


@pytest.mark.parametrize(
    ("seed", "path", "golden"),
    [
        # The first 16 hex digits of `printf '12345/7' | sha256sum`, shifted right by one bit, and so on.
        (12345, (7,), 0x3BB0331EDFE20B7E >> 1),
        (0, ("circle",), 0x9D8689EF970227F8 >> 1),
    ],
)
def test_derived_seeds_never_change(seed, path, golden):
    assert derive(seed, *path) == golden


def test_a_derived_seed_fits_into_63_bits_and_depends_on_every_part():
    seeds = {derive(seed, *path) for seed in range(50) for path in [(0,), (1,), ("x",), ("x", 0)]}
    assert len(seeds) == 200
    assert all(0 <= seed < 2**63 for seed in seeds)
