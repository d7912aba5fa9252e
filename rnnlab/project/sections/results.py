"""Sections on results: how they are scored, compared and explained, and what is good enough."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from rnnlab.project.sections.kinds import Fraction, Positive, Section, Share, Text, list_to_tuple

MOST_ORIGINS = 50  # rows of a table
OWN_FIGURES = (
    *("training_curves", "confusion_matrices", "accuracy_by_length", "calibration", "roc_curves", "label_scores"),
    *("gradient_norms", "traces", "predicted_and_true", "errors", "errors_by_step", "attributions", "forecasts"),
)


class Evaluate(Section):
    """How results are scored."""

    batch_size: Positive
    slices: Annotated[tuple[Text, ...], BeforeValidator(list_to_tuple)]
    metrics: Annotated[tuple[str, ...], BeforeValidator(list_to_tuple)]
    threshold: Literal["likeliest", "f1"]
    coverage: Fraction
    origins: Annotated[int, Field(ge=1, le=MOST_ORIGINS)]


class Intervals(Section):
    """What differences between models matter."""

    margin: Fraction


class Explain(Section):
    """How much is shown of what goes on inside the networks."""

    gradient_rows: Positive
    traced_rows: Annotated[int, Field(ge=1, le=20)]
    mistakes: Annotated[int, Field(ge=1, le=100)]


class Promote(Section):
    """What a model must achieve to become the champion."""

    name: Annotated[str, Field(pattern=r"^[\w-]+$")]
    min_accuracy: Share
    min_slice_accuracy: Share
    max_mase: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    margin: Fraction
    significance: Fraction
    max_calibration_error: Share
    max_latency_ms: Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Drift(Section):
    """When a rerun counts as worse than the committed result."""

    tolerance: Share
    significance: Fraction
