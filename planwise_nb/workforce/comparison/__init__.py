"""What differs between runs or scenarios: side by side, explained to the cent, and for whom."""
