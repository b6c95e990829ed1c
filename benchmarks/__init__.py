"""How fast it is: ``make bench`` measures every figure that the documentation quotes."""
