import h5py
import numpy as np
import pytest

from pipeline.core.errors import InputError
from pipeline.stages.discover import states as observed_states


def test_fill_values_in_a_users_file_were_not_observed_and_doubtful_ones_are_refused(tmp_path):
    u = np.sin(np.arange(32.0)).reshape(4, 8)
    u[1, 3], u[2, 5] = -9999.0, 0.5
    with h5py.File(tmp_path / "u.h5", "w") as file:
        file["time"], file["u"], file["length"] = np.arange(4.0), u, 8.0
        file["u"].attrs["_FillValue"] = 0.5
    states = observed_states.of_file(tmp_path / "u.h5")
    assert states.whole.ravel().tolist() == [True, False, False, True]
    with h5py.File(tmp_path / "u.h5", "r+") as file:
        file["u"][...] = 9990.0 + 9.0 * (u < -1.0)  # one is 9999, among thousands
        file["u"][0] = 20000.0
    with pytest.raises(InputError, match=r"1 value\(s\) of u may stand for missing, the first at \[1, 3\]: 9999"):
        observed_states.of_file(tmp_path / "u.h5")
    with h5py.File(tmp_path / "u.h5", "r+") as file:
        file["u"].attrs["valid_range"] = [0.0, 3e4]
    assert observed_states.of_file(tmp_path / "u.h5").whole.all()
