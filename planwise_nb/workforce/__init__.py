"""The workforce simulation: its pipeline, scenario model, census contract and checks."""
