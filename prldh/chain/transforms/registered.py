"""The built-in transforms, in the order in which they are mostly used."""

from __future__ import annotations

from prldh.chain.transforms.cluster import ClusterTransform
from prldh.chain.transforms.combat import CombatTransform
from prldh.chain.transforms.impute import ImputeTransform
from prldh.chain.transforms.near_constant import NearConstantTransform
from prldh.chain.transforms.pca import PcaTransform
from prldh.chain.transforms.scale import ScaleTransform

TRANSFORMS = (
    NearConstantTransform(),
    ImputeTransform(),
    CombatTransform(),
    ScaleTransform(),
    ClusterTransform(),
    PcaTransform(),
)
