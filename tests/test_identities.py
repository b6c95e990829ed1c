"""The identities that always hold."""

from tests.simulation import Simulation


def test_every_check_holds_on_the_shipped_census(two_years: Simulation) -> None:
    assert two_years.failed_checks() == []
    assert two_years.value("select count(*) from fct_validation_results") > 50
