"""Keeping calibrations: one row for each set of models, prompts and items, the last measurement."""

from __future__ import annotations

from sqlalchemy import Engine, func
from sqlalchemy.dialects.postgresql import insert

from webscale_rl.calibration.calibrate import Calibration as Found
from webscale_rl.store.models import Calibration


def keep_calibration(engine: Engine, found: Found) -> None:
    """Store a calibration in the place of an earlier one with the same models, prompts and items."""
    values = found.model_dump(mode="json")
    statement = insert(Calibration).values(values)
    measured = {"n_items": found.n_items, "results": values["results"], "created_at": func.now()}
    with engine.begin() as connection:
        connection.execute(statement.on_conflict_do_update(index_elements=[Calibration.id], set_=measured))
