"""Short versions of the faults of hostile names."""

import fault_hostile
import pytest

NASTY = ["$(touch PWNED)", "a\ntouch PWNED\n", "'; touch PWNED; '", "../../PWNED", "\udcff", "<script>alert(1)</script>", "a" * 300]


@pytest.mark.parametrize("act", [fault_hostile.refused_names, fault_hostile.scripts, fault_hostile.site, fault_hostile.files])
@pytest.mark.parametrize("name", NASTY)
def test_a_hostile_name_does_nothing(tmp_path, act, name):
    fault_hostile.alone(act, name, tmp_path / "try")


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "$x^2", "$\\frac{$"])
def test_a_page_shows_a_hostile_title_and_gauge_as_they_are(tmp_path, name):
    fault_hostile.alone(fault_hostile.page, name, tmp_path / "try")


def test_a_case_file_with_a_hostile_name_runs_into_a_harmless_folder(tmp_path):
    fault_hostile.alone(fault_hostile.places, "$(touch PWNED); x", tmp_path / "try")
