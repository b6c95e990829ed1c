"""PlanWise Notebooks: multi-year workforce planning in which every number traces to an executed notebook cell."""
