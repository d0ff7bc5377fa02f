"""Sections of the study file refuse what they do not know."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from prldh.core import nearest, shown, to_the_eye

#: Text, or a number that was not quoted.
Text = Annotated[
    str, BeforeValidator(lambda v: str(v) if isinstance(v, (int, float)) and not isinstance(v, bool) else v)
]


class Numbers(BaseModel):
    """A section in which ``true`` is no number: ``bootstrap: true`` would be a single sample."""

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_true(cls, value: Any, info: ValidationInfo) -> Any:
        kind = cls.model_fields[info.field_name or ""].annotation
        if value is True and kind in (int, int | None, float, float | None):
            raise PydanticCustomError(
                "int_type" if kind in (int, int | None) else "float_type", "a number is asked for"
            )
        return value


class Strict(Numbers):
    """A section of the study file. A key it does not know is refused with the nearest known one."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, data: Any) -> Any:
        if isinstance(data, dict) and cls.model_config.get("extra") == "forbid":
            for key in data:
                if key not in cls.model_fields:
                    near = nearest(key, cls.model_fields)
                    hint = f"did you mean '{near}'?" if near else f"known here: {', '.join(cls.model_fields)}."
                    if (looks := to_the_eye(str(key))) in cls.model_fields and looks != key:
                        hint = f"it looks like '{looks}' and has other characters ({ascii(str(key))}). Type it anew."
                    raise PydanticCustomError(
                        "unknown_key", "unknown key '{shown}'; {hint}", {"key": key, "shown": shown(key), "hint": hint}
                    )
        return data
