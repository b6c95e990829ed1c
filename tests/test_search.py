"""The search for levers, on made-up companies whose answer is known: numbers only, nothing is simulated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planwise_nb.workforce.tuning.search import Problem, Search, Trial, Vector

TOLERANCE = 0.001
Company = Callable[[Vector], Vector]


def problem(levers: int, *values: float, sense: float = 0.0) -> Problem:
    """Levers that may move half their range down and up, and targets of equal weight."""
    of_levers, of_targets = np.ones(levers), np.ones(len(values))
    return Problem(
        lowest=-0.5 * of_levers,
        highest=0.5 * of_levers,
        cost=of_levers,
        kind=np.arange(levers) // 2,
        step=0.5,
        value=np.array(values),
        tolerance=TOLERANCE * of_targets,
        sense=sense * of_targets,
        weight=of_targets,
    )


def searched(problem: Problem, company: Company, most: int = 10) -> tuple[Search, int]:
    """The search and how many iterations it took."""
    search = Search(problem)
    iterations = list(search.run(lambda moves: [company(move) for move in moves], most))
    return search, len(iterations)


def company(seed: int, levers: int, targets: int = 1) -> Company:
    """A company whose figures rise with every lever, not quite in a straight line, by steps of a person."""
    luck = np.random.default_rng(seed)
    rise = luck.uniform(0.005, 0.05, (targets, levers))
    bend = luck.uniform(-0.3, 0.3, (targets, levers))
    return lambda move: np.round(0.04 + rise @ move + (rise * bend) @ move**2, 5)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), levers=st.integers(1, 12), share=st.floats(0, 1))
def test_a_target_within_reach_is_met_within_ten_iterations_and_no_bound_is_passed(
    seed: int, levers: int, share: float
) -> None:
    grown = company(seed, levers)
    ends = [float(grown(np.full(levers, end))[0]) for end in (-0.5, 0.5)]
    asked = problem(levers, ends[0] + share * (ends[1] - ends[0]))
    search, iterations = searched(asked, grown)
    assert search.is_converged
    assert iterations <= 10
    for trial in search.trials:
        assert np.all((asked.lowest <= trial.move) & (trial.move <= asked.highest))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), locked=st.sets(st.integers(0, 5), max_size=5))
def test_a_locked_lever_never_moves(seed: int, locked: set[int]) -> None:
    free = np.array([lever not in locked for lever in range(6)], dtype=float)
    asked = replace(problem(6, 0.06), lowest=-0.5 * free, highest=0.5 * free)
    search, _ = searched(asked, company(seed, 6))
    assert all(trial.move[lever] == 0 for trial in search.trials for lever in locked)


def test_where_the_target_is_met_today_nothing_moves() -> None:
    search, iterations = searched(problem(4, 0.04), company(1, 4))
    assert iterations == 1
    assert search.is_converged
    assert np.all(search.best.move == 0)


def test_a_target_out_of_reach_ends_with_every_lever_at_its_bound_and_before_iterations_run_out() -> None:
    search, iterations = searched(problem(4, 0.9), company(1, 4))
    assert not search.is_converged
    assert iterations < 10
    assert np.allclose(search.best.move, 0.5)


def test_of_two_levers_the_one_that_does_more_moves_more() -> None:
    search, _ = searched(problem(2, 0.05), lambda move: np.array([0.04 + 0.05 * move[0] + 0.01 * move[1]]))
    assert search.best.move[0] > 3 * search.best.move[1] > 0


def test_a_median_that_moves_only_where_all_of_a_kind_move_is_met() -> None:
    alike = replace(problem(6, 0.05), kind=np.zeros(6, int))
    search, iterations = searched(alike, lambda move: np.array([0.04 + 0.1 * float(np.median(move))]))
    assert (iterations, search.is_converged) == (2, True)


def test_what_is_met_by_chance_while_looking_around_is_not_the_least_change() -> None:
    search, iterations = searched(problem(2, 0.042), lambda move: np.array([0.04 + 0.01 * move[0] + 0.05 * move[1]]))
    assert (iterations, search.is_converged) == (2, True)
    assert search.problem.change(search.best) < 0.9 * min(
        search.problem.change(trial) for trial in search.trials if trial.iteration == 1 and trial.move.any()
    )


def test_a_cheap_lever_moves_before_a_dear_one() -> None:
    asked = replace(problem(2, 0.05), cost=np.array([1.0, 4.0]))
    search, _ = searched(asked, lambda move: np.array([0.04 + 0.05 * move[0] + 0.05 * move[1]]))
    assert search.best.move[0] > 10 * search.best.move[1]


@pytest.mark.parametrize(("sense", "value"), [(1.0, 0.03), (-1.0, 0.05)])
def test_a_cap_and_a_floor_are_kept_to_the_last_unit(sense: float, value: float) -> None:
    search, _ = searched(problem(4, value, sense=sense), company(1, 4))
    assert sense * (float(search.best.measured[0]) - value) <= 0


@pytest.mark.parametrize("sense", [0.0, 1.0, -1.0])
def test_what_has_no_value_meets_no_target(sense: float) -> None:
    lost = Trial(1, np.zeros(2), np.array([0.03, np.nan]))
    assert problem(2, 0.03, 0.03, sense=sense).missed(problem(2, 0.03, 0.03, sense=sense).off(lost.measured))[1] > 0
    assert problem(2, 0.03, 0.03, sense=sense).miss(lost) == float("inf")


def test_a_search_that_ran_out_of_iterations_does_not_call_its_target_out_of_reach() -> None:
    far, near = problem(4, 0.9), problem(4, 0.06)
    assert [searched(far, company(1, 4))[0].is_at_end, searched(near, company(1, 4), 1)[0].is_at_end] == [True, False]


def test_a_cap_that_is_far_away_moves_nothing() -> None:
    search, iterations = searched(problem(4, 0.9, sense=1.0), company(1, 4))
    assert (iterations, search.is_converged) == (1, True)
    assert np.all(search.best.move == 0)


def test_two_targets_that_can_be_met_together_are_both_met() -> None:
    grown = company(3, 8, targets=2)
    wanted = grown(np.array([0.3, -0.2, 0.1, 0.4, -0.1, 0.2, 0, 0.1]))
    search, _ = searched(problem(8, *wanted), grown)
    assert np.all(np.abs(search.best.measured - wanted) <= TOLERANCE)


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_targets_that_conflict_the_weightier_comes_nearer(first: int) -> None:
    weight = np.array([0.01, 0.01])
    weight[first] = 1.0
    asked = replace(problem(3, 0.03, 0.05), weight=weight)
    search, _ = searched(asked, lambda move: np.full(2, 0.04 + 0.05 * float(np.mean(move))))
    off = np.abs(asked.off(search.best.measured))
    assert off[first] < off[1 - first]


def test_a_step_is_no_farther_than_the_strategy_allows() -> None:
    asked = replace(problem(4, 0.9), step=0.2)
    search, _ = searched(asked, company(1, 4))
    for iteration in range(2, max(trial.iteration for trial in search.trials) + 1):
        before = search.best_of(iteration - 1).move
        moves = [trial.move for trial in search.trials if trial.iteration == iteration]
        assert max(float(np.max(np.abs(move - before))) for move in moves) <= 0.2 + 1e-9


def test_a_lever_that_moves_by_whole_people_only_is_tried_at_its_ends() -> None:
    search, _ = searched(problem(3, 0.03), lambda move: np.array([0.05 if move[1] > -0.45 else 0.03]))
    assert search.is_converged
    assert search.best.move[1] == -0.5


def test_what_a_lever_did_on_its_own_is_known_whatever_levers_do_together() -> None:
    def company(move: Vector) -> Vector:
        return np.array([move[0] + move[1] + 0.1 * move[2] - 1.9 * move[0] * move[1]])

    asked = replace(problem(3, 1.2), kind=np.arange(3))
    search, _ = searched(asked, company, 2)
    assert np.sign(search.slopes).tolist() != [[1, 1, 1]]
    assert np.sign(search.alone).tolist() == [[1, 1, 1]]
