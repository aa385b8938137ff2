"""A picture of the size of a word."""

from xml.etree import ElementTree as ET

import numpy as np

from scaler.drawing.spark import spark


def test_it_is_small_however_many_samples_there_are() -> None:
    times = np.arange(100_000.0)
    drawn = spark(times, np.random.default_rng(1).random(len(times)), "usage")
    assert len(drawn) < 800
    assert ET.fromstring(drawn).get("aria-label") == "usage"


def test_what_has_no_value_has_no_picture() -> None:
    assert spark(np.array([0.0, 1]), np.array([np.nan, np.nan]), "usage") == ""


def test_one_sample_is_enough() -> None:
    ET.fromstring(spark(np.array([5.0]), np.array([1.0]), "usage"))
