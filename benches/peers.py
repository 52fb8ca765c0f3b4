"""Equations from the same noisy samples by mechc and by PySINDy (https://pysindy.readthedocs.io, 2.1.0).

    pip install pysindy==2.1.0
    python benches/peers.py target/release/mechc [--seeds 5] [--systems Lorenz,Rossler] [--noise 1,5,10,25]

mechc runs as it is, without a setting. PySINDy is given what nobody has outside a benchmark: of all combinations of
differentiation, weak form included, and threshold that are tried on a data set the one that comes nearest to the truth counts (fewest wrong terms,
then the smallest error). A wrong term is one too many or one that is missing; the error is the largest relative one of a true coefficient.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pysindy as ps
from pysindy.feature_library import PolynomialLibrary, WeakPDELibrary

warnings.filterwarnings("ignore")

# States, degree of the library, steps, dt, start, model text, true coefficients by equation.
SYSTEMS = {
    "Lorenz": (
        "x y z", 2, 4000, 0.01, "x' = 10*(y - x)\n  y' = x*(28 - z) - y\n  z' = x*y - 8/3*z\n  initial x = 1, y = 1, z = 1",
        [{"x": -10, "y": 10}, {"x": 28, "y": -1, "x*z": -1}, {"z": -8 / 3, "x*y": 1}],
    ),
    "Rossler": (
        "x y z", 2, 4000, 0.02, "x' = -y - z\n  y' = x + 0.2*y\n  z' = 0.2 + z*(x - 5.7)\n  initial x = 1, y = 1, z = 1",
        [{"y": -1, "z": -1}, {"x": 1, "y": 0.2}, {"1": 0.2, "z": -5.7, "x*z": 1}],
    ),
    "Lotka-Volterra": (
        "u w", 2, 1000, 0.05, "u' = 1.1*u - 0.4*u*w\n  w' = 0.1*u*w - 0.4*w\n  initial u = 10, w = 5",
        [{"u": 1.1, "u*w": -0.4}, {"w": -0.4, "u*w": 0.1}],
    ),
    "Van der Pol": (
        "x v", 3, 2000, 0.02, "x' = v\n  v' = (1 - x^2)*v - x\n  initial x = 2, v = 0",
        [{"v": 1}, {"x": -1, "v": 1, "x^2*v": -1}],
    ),
    "Brusselator": (
        "x y", 3, 2000, 0.02, "x' = 1 + x^2*y - 4*x\n  y' = 3*x - x^2*y\n  initial x = 1, y = 1",
        [{"1": 1, "x": -4, "x^2*y": 1}, {"x": 3, "x^2*y": -1}],
    ),
}
THRESHOLDS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
DERIVATIVES = {"finite differences": lambda: ps.FiniteDifference(order=2)} | {
    f"Savitzky-Golay {window}": lambda window=window: ps.SmoothedFiniteDifference(
        smoother_kws={"window_length": window, "polyorder": 3}
    )
    for window in (11, 21, 41, 81)
}


def compare(found, truth):
    """Wrong terms and the largest relative error of a true coefficient, in percent; equations are dictionaries of coefficients by term."""
    wrong = sum(len(set(f) ^ set(t)) for f, t in zip(found, truth))
    error = max(abs(f.get(term, 0.0) - c) / abs(c) for f, t in zip(found, truth) for term, c in t.items())
    return wrong, 100 * error


def by_mechc(binary, name, noise, seed, folder):
    """What mechc finds, the samples that it found it in, and the seconds from its start to its end."""
    states, degree, steps, dt, equations, truth = SYSTEMS[name]
    listed = ", ".join(states.split())
    file = Path(folder) / "model.mech"
    file.write_text(
        f"model Truth {{\n  state {listed}\n  {equations}\n}}\n"
        f"data run = simulate Truth {{ steps {steps}; dt {dt}; noise {noise}%; seed {seed} }}\n"
        f"model Unknown {{\n  state {listed}\n  ({listed})' = ?poly({listed}; degree = {degree})\n}}\nfit Unknown to run\n"
    )
    csv = Path(folder) / "samples.csv"
    subprocess.run([binary, "simulate", file, "--out", csv, "--force"], check=True, capture_output=True)
    out = Path(folder) / f"out-{time.monotonic_ns()}"
    begun = time.perf_counter()
    subprocess.run([binary, "run", file, "--out", out], check=True, capture_output=True)
    seconds = time.perf_counter() - begun
    equations = json.loads((out / "equations.json").read_text())["equations"]
    found = [{t["term"]: t["coefficient"] for t in e["terms"]} for e in equations]
    table = np.genfromtxt(csv, delimiter=",", names=True)
    return compare(found, truth), np.stack([table[s] for s in states.split()], axis=1), seconds


def named(feature):
    """PySINDy's name of a term as mechc writes it."""
    return feature.replace(" ", "*")


def by_pysindy(name, samples):
    """The best that PySINDy finds, and the seconds of one fit, on average."""
    states, degree, steps, dt, _, truth = SYSTEMS[name]
    states = states.split()
    library = PolynomialLibrary(degree=degree)
    times = np.arange(len(samples)) * dt
    tried, fits, begun = [], 0, time.perf_counter()
    np.random.seed(0)
    weak = WeakPDELibrary(PolynomialLibrary(degree=degree), spatiotemporal_grid=times, K=500)
    for threshold in THRESHOLDS:
        candidates = [(library, make()) for make in DERIVATIVES.values()]
        for features, derivative in [*candidates, (weak, None)]:
            options = {} if derivative is None else {"differentiation_method": derivative}
            model = ps.SINDy(feature_library=features, optimizer=ps.STLSQ(threshold=threshold), **options)
            fits += 1
            try:
                model.fit(samples, t=dt, feature_names=states)
                names = [named(f) for f in model.get_feature_names()]
                found = [{n: c for n, c in zip(names, row) if c != 0.0} for row in model.coefficients()]
                tried.append(compare(found, truth))
            except (ValueError, np.linalg.LinAlgError):
                continue
    return min(tried), (time.perf_counter() - begun) / fits


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mechc")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    parser.add_argument("--noise", default="1,5,10,25")
    given = parser.parse_args()
    print("| system | noise | mechc: right terms, wrong ones | error | seconds | PySINDy, best of all: right terms, wrong ones | error | seconds a fit |")
    print("|---|---|---|---|---|---|---|---|")
    for name in given.systems.split(","):
        for noise in given.noise.split(","):
            ours, theirs = [], []
            for seed in range(given.seeds):
                with tempfile.TemporaryDirectory() as folder:
                    result, samples, seconds = by_mechc(given.mechc, name, noise, seed, folder)
                ours.append((*result, seconds))
                best, seconds = by_pysindy(name, samples)
                theirs.append((*best, seconds))
            cells = []
            for results in (ours, theirs):
                exact = sum(wrong == 0 for wrong, _, _ in results)
                total = sum(wrong for wrong, _, _ in results)
                error = statistics.median(error for _, error, _ in results)
                seconds = statistics.median(seconds for _, _, seconds in results)
                cells += [f"{exact} of {len(results)}, {total}", f"{error:.2g} %", f"{seconds:.2g}"]
            print(f"| {name} | {noise} % | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
