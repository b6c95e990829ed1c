"""Parameters are refused before a kernel starts."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell

from planwise_nb.core.errors import ParameterError
from planwise_nb.core.notebooks import check_parameters
from planwise_nb.core.project import shipped

REQUIREMENTS = shipped() / "notebooks/workforce/03_workforce_requirements.ipynb"


def test_a_misspelt_parameter_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(
        ParameterError, match="unknown parameter 'yaer' of 03_workforce_requirements: did you mean 'year'"
    ):
        check_parameters(REQUIREMENTS, {"yaer": 2025})


def test_a_parameter_of_another_type_is_refused() -> None:
    with pytest.raises(ParameterError, match="'year' of 03_workforce_requirements is '2025', not of type int"):
        check_parameters(REQUIREMENTS, {"year": "2025"})


def test_defaults_are_filled_in() -> None:
    assert check_parameters(REQUIREMENTS, {"year": 2027}) == {"run_dir": "", "year": 2027}


def test_a_notebook_shows_a_refusal_as_its_message_and_not_as_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    refusal = "from planwise_nb.core.errors import ChecklistError\nraise ChecklistError('Too early.', fix='Wait.')"
    InteractiveShell().run_cell(refusal)
    assert capsys.readouterr().out.strip() == "ChecklistError: Too early.\nWait."
