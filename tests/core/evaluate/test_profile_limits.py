import numpy as np

from core.evaluate import profile_model
from core.simulate.profiles import LIMITS


def test_a_fit_at_the_limit_of_the_index_steps_to_profiles_that_can_be_drawn():
    step = profile_model._STEPS["index"]
    assert profile_model.INDEX[0] * np.exp(-step) > LIMITS["index"][0]
    assert profile_model.INDEX[1] * np.exp(step) < LIMITS["index"][1]
