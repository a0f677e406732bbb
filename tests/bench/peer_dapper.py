"""The twin experiments of ``bench_assimilation`` in DAPPER: ``python peer_dapper.py TWIN.npz``; run with DAPPER's Python.

Its filters see the same truth, observations, model function and number of cycles; its statistics are cut to the errors.
"""

import json
import sys

import dapper as dpr
import dapper.mods as modelling
import dapper.tools.progressbar
import numpy as np
from chaos import KuramotoSivashinsky, lorenz_step
from dapper.da_methods import ensemble
from dapper.tools.localization import nd_Id_localization
from dapper.tools.seeding import set_seed


def main() -> None:
    dapper.tools.progressbar.disable_progbar = True
    dpr.rc.liveplotting = False
    dpr.rc.comps["error_only"] = True
    twin = np.load(sys.argv[1])
    setup = json.loads(str(twin["setup"]))
    set_seed(setup["seed"])
    xp = getattr(ensemble, setup["dapper"]["class"])(**setup["dapper"]["arguments"])
    truth, observed = twin["truth"], twin["observed"]
    hmm = model(setup, truth, len(observed))
    xp.assimilate(hmm, truth, observed, liveplots=False)
    rmse = float(np.mean(xp.stats.err.rms.a[setup["burn_in"] :]))
    print(json.dumps({"rmse": rmse, "seconds": float(xp.stats.duration)}))


def model(setup, truth, cycles):
    dofs, dt = truth.shape[1], setup["dt"]
    step = lorenz_step if setup["model"] == "l96" else KuramotoSivashinsky(setup["length"], dofs, dt).step
    observation = modelling.Id_Obs(dofs)
    observation["noise"] = 1
    observation["localizer"] = nd_Id_localization((dofs,), (setup["together"],))
    times = modelling.Chronology(dt, dko=setup["steps"], Ko=cycles - 1, BurnIn=0)
    first = modelling.GaussRV(mu=np.array(setup["mean"]), C=setup["variance"])
    return modelling.HiddenMarkovModel({"M": dofs, "model": step, "noise": 0}, observation, times, first)


if __name__ == "__main__":
    main()
