"""The toy study on a local Dask cluster whose workers are killed; started by test_study_killed.py."""

import json
import os
import random
import signal
import threading
import time

import joblib
from distributed import Client, LocalCluster
from toy_study import TOY

WORKERS, KILLS = 3, 20


def kill(cluster, killed):
    """Kill twenty workers, one after every five units that are done."""
    moments = random.Random(0)
    while len(killed) < KILLS:
        alive = [nanny.pid for nanny in cluster.workers.values() if nanny.pid and nanny.pid not in killed]
        if alive and len(TOY.units) - len(TOY.missing()) >= 5 * len(killed):
            killed.append(moments.choice(alive))
            os.kill(killed[-1], signal.SIGKILL)
        time.sleep(0.01)


def main():
    with LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster):
        killed = []
        threading.Thread(target=kill, args=(cluster, killed), daemon=True).start()
        with joblib.parallel_config(backend="dask", wait_for_workers_timeout=60):
            found = TOY.run()
        print(json.dumps({"killed": len(killed), "record": found.attrs["record"]}), flush=True)


if __name__ == "__main__":
    main()
