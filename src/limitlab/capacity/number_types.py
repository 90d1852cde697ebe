"""The number types of ``_core.number_types``, which lower rooms use too, under the name they have here."""

from limitlab._core.number_types import NUMBER_TYPES, NumberType, int8_codes, number_type, round_to

__all__ = ["NUMBER_TYPES", "NumberType", "int8_codes", "number_type", "round_to"]
