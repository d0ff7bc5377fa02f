"""Selectors of somebody else's, one of every kind, for the tests of fit and apply."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prldh.api import Chosen, ChosenImages, Selection, SelectorSettings, take_columns


@dataclass(frozen=True)
class Limits:
    """Values beyond a limit of their column are set to it."""

    names: tuple[str, ...]
    low: np.ndarray
    high: np.ndarray
    kind = "transforms values"

    @property
    def outputs(self):
        return self.names

    @property
    def state(self):
        return {"names": list(self.names), "low": self.low.tolist(), "high": self.high.tolist()}

    def apply(self, values, names, columns):
        return np.clip(take_columns(values, names, self.names), self.low, self.high)


class Clip:
    """Limits are quantiles of the training rows."""

    name, version = "clip", "3"

    class Settings(SelectorSettings):
        share: float = 0.1

    def fit(self, rows, settings, seed, engine):
        return Limits(rows.names, *np.quantile(rows.values, [settings.share, 1 - settings.share], axis=0))

    def from_state(self, state):
        return Limits(tuple(state["names"]), np.array(state["low"]), np.array(state["high"]))


@dataclass(frozen=True)
class Components:
    """The columns' principal components: other columns in place of those that were given."""

    names: tuple[str, ...]
    center: np.ndarray
    loadings: np.ndarray  # (p, k)
    kind = "transforms values"

    @property
    def outputs(self):
        return tuple(f"component {j + 1} of {self.names[0]}" for j in range(self.loadings.shape[1]))

    @property
    def state(self):
        return {"names": list(self.names), "center": self.center.tolist(), "loadings": self.loadings.tolist()}

    def apply(self, values, names, columns):
        own = take_columns(values, names, self.names) - self.center
        # summed column by column, so that a row's sum does not depend on how many rows there are
        return np.column_stack([sum(own[:, j] * b for j, b in enumerate(loading)) for loading in self.loadings.T])


class Rotate:
    name, version, Settings = "rotate", "1", SelectorSettings

    def fit(self, rows, settings, seed, engine):
        center = rows.values.mean(axis=0)
        _, _, directions = np.linalg.svd(rows.values - center, full_matrices=False)
        return Components(rows.names, center, directions[:2].T)

    def from_state(self, state):
        return Components(tuple(state["names"]), np.array(state["center"]), np.array(state["loadings"]))


def _farthest(rows):
    """The three columns whose means of the outcomes lie farthest from each other, and why the others go."""
    distance = np.abs(rows.values[rows.outcome == 1].mean(axis=0) - rows.values[rows.outcome == 0].mean(axis=0))
    kept = np.sort(np.argsort(-distance, kind="stable")[:3])
    return kept, {name: "nearer" for j, name in enumerate(rows.names) if j not in kept}


class AsSelection:
    """Keeps three columns, as selectors have always said it."""

    name, version, Settings = "as_selection", "1", SelectorSettings

    def fit(self, rows, settings, seed, engine):
        return Selection(*_farthest(rows), {"n": 3}, ("they are three",))


class AsChosen:
    """The same three, as something fitted."""

    name, version, Settings = "as_selection", "1", SelectorSettings

    def fit(self, rows, settings, seed, engine):
        kept, dropped = _farthest(rows)
        return Chosen(tuple(rows.names[j] for j in kept), dropped, {"n": 3}, ("they are three",))


@dataclass(frozen=True)
class Above:
    """Images whose first value is above a limit stay, or else a row's first image."""

    limit: float

    @property
    def state(self):
        return {"limit": self.limit}

    def __call__(self, images):
        stays = images.values[:, 0] > self.limit
        starts = np.flatnonzero(np.diff(images.row, prepend=-1))
        stays[starts] |= ~np.logical_or.reduceat(stays, starts)
        return stays


class ChooseImages:
    """Images above the median of the training rows."""

    name, version, Settings = "choose_images", "2", SelectorSettings

    def fit(self, rows, settings, seed, engine):
        rule = Above(float(np.median(rows.images[0].values[:, 0])))
        return Selection(np.arange(len(rows.names)), {}, images=rule)

    def from_state(self, state):
        return ChosenImages.from_state(state, lambda rule: Above(rule["limit"]))
