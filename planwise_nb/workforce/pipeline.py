"""The workforce simulation as a pipeline: seven steps a year."""

from planwise_nb.core.pipeline import Pipeline, Step

WORKFORCE = Pipeline(
    "workforce",
    setup=Step("pre_simulation", "Read census and parameters", "00_pre_simulation.ipynb"),
    steps=(
        Step("year_transition", "Check what last year hands on", "01_year_transition.ipynb"),
        Step("workforce_baseline", "Opening workforce", "02_workforce_baseline.ipynb"),
        Step("workforce_requirements", "Exits and hires needed", "03_workforce_requirements.ipynb"),
        Step("event_generation", "Generate the five event types", "04_event_generation.ipynb"),
        Step("workforce_snapshot", "Apply the events", "05_workforce_snapshot.ipynb"),
        Step("validation_metrics", "Reconcile, validate, measure", "06_validation_metrics.ipynb"),
        Step("year_completion", "Complete the year", "07_year_completion.ipynb"),
    ),
    summary=Step("multi_year_summary", "Summary of all years", "99_multi_year_summary.ipynb"),
    period="year",
    period_column="simulation_year",
)
