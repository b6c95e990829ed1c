"""The orchestrator: knows no domain and no app."""
