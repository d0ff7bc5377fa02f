"""Steps before the selection that change values, fitted on training rows.

``near_constant`` leaves out what hardly varies, ``impute`` fills blanks, ``combat`` takes batch effects away, ``scale``
brings columns to a common scale, ``cluster`` keeps one column of those that say the same, ``pca`` makes principal
components of them. What each fits is applied by plain NumPy to anyone, and is JSON.
"""

from __future__ import annotations

from prldh.chain.transforms.cluster import ClusterTransform
from prldh.chain.transforms.combat import CombatTransform
from prldh.chain.transforms.impute import ImputeTransform
from prldh.chain.transforms.near_constant import NearConstantTransform
from prldh.chain.transforms.registered import TRANSFORMS

__all__ = ["ClusterTransform", "CombatTransform", "ImputeTransform", "NearConstantTransform", "TRANSFORMS"]
