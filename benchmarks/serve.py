"""What serving costs: seconds a query of ``limitlab serve``'s application over HTTP, beside the retriever's own recall through it.

python benchmarks/serve.py --n-docs 50000 --n-queries 200 --models bm25,minilm
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import threading
import time
import urllib.request

import uvicorn
from record import record

import limitlab as ll
from limitlab.evaluation import evaluate
from limitlab.retrieval import build
from limitlab.serve import Searcher, ServeConfig, application


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--n-docs", type=int, default=50_000)
    parser.add_argument("--n-queries", type=int, default=200)
    parser.add_argument("--models", default="bm25,minilm")
    given = parser.parse_args()
    data = ll.make_limit(n_docs=given.n_docs, n_queries=given.n_queries)
    os.environ.setdefault("DIFY_EXTERNAL_API_KEY", "unused")
    for model in given.models.split(","):
        start = time.perf_counter()
        searcher = Searcher(build(model), data.docs)
        ready = time.perf_counter() - start
        app = application(searcher, ServeConfig("kb"), None)
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", access_log=False, lifespan="off"))
        threading.Thread(target=server.run, daemon=True).start()
        while not server.started:
            time.sleep(0.01)
        url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        seconds = []
        for query in data.queries:
            body = json.dumps({"query": query, "top_k": 10}).encode()
            start = time.perf_counter()
            request = urllib.request.Request(f"{url}/search", body, {"Content-Type": "application/json"})
            urllib.request.urlopen(request, timeout=600).read()
            seconds.append(time.perf_counter() - start)
        result = evaluate(data, [model, f"dify-external:url={url},knowledge=kb,top_k=10"], measures=["recall@2", "recall@10"])
        here, there = result.rows
        record(
            "serve",
            {
                "retriever": model,
                "documents": given.n_docs,
                "queries": given.n_queries,
                "seconds until ready": ready,
                "milliseconds a query, median": 1000 * statistics.median(seconds),
                "milliseconds a query, 95 %": 1000 * statistics.quantiles(seconds, n=20)[-1],
                "recall@10 of the retriever": here.measures["recall@10"].mean,
                "recall@10 through dify-external": there.measures["recall@10"].mean,
            },
        )
        server.should_exit = True


if __name__ == "__main__":
    main()
