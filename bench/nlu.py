"""Scores understanding: cross-validation, held-out sets, parse latency, training time and size.

    python -m bench.nlu                         # what the project is trained on, and tests/nlu
    python -m bench.nlu --folds 5 --only 1      # one fold of five
    python -m bench.nlu --held-out --stock      # trained as the project is, beside Rasa's stock DIET pipeline on the same sentences (--epochs 100)
    python -m bench.nlu --folds 5 --only 1 --stock  # one fold of five, beside DIET trained on the same four
    python -m bench.nlu --csv train.csv test.csv  # any public set: columns text,label

Runs in Rasa's environment. Writes `nlu.json` and `nlu-confusions.txt` to JIEBANG_HOME/reports.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402
import yaml  # noqa: E402

import brain  # noqa: E402, F401
from brain.checkpoint import Checkpoint  # noqa: E402
from brain.encoder import Encoders  # noqa: E402
from brain.groups import folds, groups  # noqa: E402
from brain.home import ROOT, folder  # noqa: E402
from brain.language import detect  # noqa: E402
from brain.model import Model, Sample  # noqa: E402
from brain.normaliser import normalise  # noqa: E402
from brain.rejection import FALLBACK, OPERATIONS, OUT_OF_SCOPE  # noqa: E402
from brain.training import train  # noqa: E402

SAFETY = ("report_fraud", "third_party_request")
EXAMPLE = re.compile(r"\[([^\]]+)\](?:\([^)]*\)|\{[^}]*\})")


def read_nlu(paths: list[Path]) -> list[tuple[Sample, str]]:
    """Read Rasa NLU files; returns (sample, file's language)."""
    rows = []
    for path in paths:
        for block in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("nlu", []):
            label = block.get("intent", "EXTERNAL_")
            for line in () if label.startswith("EXTERNAL_") else (block.get("examples") or "").splitlines():
                text = EXAMPLE.sub(r"\1", line.strip()[2:].strip())
                if line.strip().startswith("- ") and text:
                    rows.append((Sample(text, label, detect(text)), path.stem.split(".")[-1]))
    return rows


def read_traps(paths: list[Path]) -> list[str]:
    """Read sentences that must start no operation (`traps:` lists)."""
    return [text for path in paths for text in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("traps", [])]


def group_of(label: str) -> str:
    """Name the group that a label belongs to."""
    if label in OPERATIONS:
        return "operation"
    if label.startswith("faq/"):
        return "faq"
    return "safety" if label in SAFETY else OUT_OF_SCOPE if label == OUT_OF_SCOPE else "conversation"


def judge(model: Model, samples: list[Sample]) -> list[dict[str, Any]]:
    """Predict each sample; returns rows with truth, best label, final name, probability, rank of the truth."""
    rows = []
    for sample in samples:
        prediction = model.predict(sample.text)
        order = np.argsort(-prediction.probabilities)
        names = [model.labels[i] for i in order]
        verdict = model.decide(prediction, names, prediction.probabilities[order])
        rank = names.index(sample.label) + 1 if sample.label in names else 0
        rows.append(
            {
                "text": sample.text, "truth": sample.label, "best": names[0], "name": verdict.name, "reason": verdict.reason, "rank": rank,
                "p": round(float(prediction.probabilities[order[0]]), 4), "inside": round(prediction.inside, 3), "doubts": sorted(prediction.doubts),
            }
        )  # fmt: skip
    return rows


def share(values: list[bool]) -> float | None:
    """Return the percentage of true values."""
    return round(100 * sum(values) / len(values), 2) if values else None


def measure(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Compute the figures of one list of judged rows."""
    known = [r for r in rows if r["truth"] != OUT_OF_SCOPE]
    alien = [r for r in rows if r["truth"] == OUT_OF_SCOPE]
    refused = (OUT_OF_SCOPE, FALLBACK)
    acts = [r for r in rows if r["name"] in OPERATIONS]
    result: dict[str, Any] = {
        "sentences": len(rows),
        "best_label_right": share([r["best"] == r["truth"] for r in rows]),
        "right": share([r["name"] == r["truth"] for r in rows]),
        "top3": share([0 < r["rank"] <= 3 for r in rows]),
        "operations_started": len(acts),
        "operations_started_right": share([r["name"] == r["truth"] for r in acts]),
        "operations_wanted_started": share([r["name"] == r["truth"] for r in rows if r["truth"] in OPERATIONS]),
        "in_scope_refused_as_out_of_scope": share([r["name"] == OUT_OF_SCOPE or r["reason"] == "far" for r in known]),
        "in_scope_refused_or_asked_back": share([r["name"] in refused for r in known]),
        "out_of_scope_refused": share([r["name"] in refused for r in alien]),
    }
    by: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        by[group_of(row["truth"])].append(row["name"] == row["truth"])
    result["right_by_group"] = {name: share(values) for name, values in sorted(by.items())}
    return result


def both_languages(rows: list[dict[str, Any]], languages: list[str]) -> dict[str, Any]:
    """Measure all rows and each language's."""
    result = {"all": measure(rows)}
    for language in ("zh", "en"):
        mine = [row for row, own in zip(rows, languages) if own == language]
        if mine:
            result[language] = measure(mine)
    return result


def confusions(rows: list[dict[str, Any]]) -> str:
    """Write the confusions, the most frequent first, with their sentences."""
    pairs: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["best"] != row["truth"]:
            pairs[row["truth"], row["best"]].append(row)
    lines = []
    for (truth, best), found in sorted(pairs.items(), key=lambda item: -len(item[1])):
        lines.append(f"{len(found):4d}  {truth} → {best}")
        lines += [f"        {row['p']:.2f} {row['name']:<24} {row['text']}" for row in found]
    return "\n".join(lines) + "\n"


def latency(model: Model, texts: list[str]) -> dict[str, float]:
    """Time unseen parses one by one, in milliseconds."""
    times = []
    for text in texts[:20]:
        model._predict(text)
    for text in texts:
        start = time.perf_counter()
        model._predict(text)
        times.append(1000 * (time.perf_counter() - start))
    return {"p50_ms": round(float(np.median(times)), 2), "p95_ms": round(float(np.percentile(times, 95)), 2)}


def size(model: Model) -> int:
    """Return the bytes of a saved model."""
    with tempfile.TemporaryDirectory() as place:
        model.save(Path(place))
        return sum(path.stat().st_size for path in Path(place).iterdir())


def read_csv(path: Path) -> list[Sample]:
    """Read a CSV with the columns text and label (or category, intent)."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    name = next(column for column in ("label", "category", "intent") if column in rows[0])
    return [Sample(row["text"], row[name], detect(row["text"])) for row in rows]


def stock(train_samples: list[Sample], test_samples: list[Sample], epochs: int) -> dict[str, Any]:
    """Train Rasa's stock pipeline (`rasa init`, whose `epochs` are 100) on the same sentences, in its own process, and score it."""
    with tempfile.TemporaryDirectory() as place:
        here = Path(place)
        blocks: dict[str, list[str]] = defaultdict(list)
        names = {label: f"i{i}" for i, label in enumerate(sorted({s.label for s in train_samples}))}
        for sample in train_samples:
            blocks[names[sample.label]].append(sample.text.replace("\n", " ").replace("[", "(").replace("]", ")"))
        document = {"version": "3.1", "nlu": [{"intent": n, "examples": "".join(f"- {t}\n" for t in texts)} for n, texts in blocks.items()]}
        (here / "nlu.yml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
        # The pipeline that `rasa init` writes; its tokenizer refuses the language code zh, and in en leaves Chinese to the character n-grams
        pipeline = [
            {"name": "WhitespaceTokenizer"}, {"name": "RegexFeaturizer"}, {"name": "LexicalSyntacticFeaturizer"}, {"name": "CountVectorsFeaturizer"},
            {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4}, {"name": "DIETClassifier", "epochs": epochs, "random_seed": 7},
        ]  # fmt: skip
        (here / "config.yml").write_text(yaml.safe_dump({"recipe": "default.v1", "assistant_id": "stock", "language": "en", "pipeline": pipeline}), encoding="utf-8")
        start = time.time()
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "RASA_TELEMETRY_ENABLED": "false"}
        command = [sys.executable, "-m", "rasa", "train", "nlu", "-u", "nlu.yml", "-c", "config.yml", "--out", "models"]
        subprocess.run(command, cwd=here, env=environment, check=True, stdout=subprocess.DEVNULL)
        seconds = time.time() - start
        import asyncio

        from rasa.core.agent import Agent

        from bench.understanding import silence

        silence()
        archive = next((here / "models").glob("*.tar.gz"))
        agent = Agent.load(str(archive))

        async def parse() -> tuple[list[bool], list[float]]:
            right, times = [], []
            for sample in test_samples:
                began = time.perf_counter()
                answer = await agent.parse_message(sample.text)
                times.append(1000 * (time.perf_counter() - began))
                right.append(answer["intent"]["name"] == names.get(sample.label))
            return right, times

        right, times = asyncio.run(parse())
        chinese = [detect(sample.text) == "zh" for sample in test_samples]
        return {
            "epochs": epochs, "train_s": round(seconds, 1), "right": share(right), "right_chinese": share([r for r, zh in zip(right, chinese) if zh]),
            "right_others": share([r for r, zh in zip(right, chinese) if not zh]), "sentences": len(right), "p50_ms": round(float(np.median(times)), 2), "bytes": archive.stat().st_size,
        }  # fmt: skip


def main() -> None:
    """Run what was asked for and write the reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--only", type=int, default=0, help="run only the first N folds")
    parser.add_argument("--csv", nargs=2, type=Path, metavar=("TRAIN", "TEST"))
    parser.add_argument("--stock", action="store_true")
    parser.add_argument("--epochs", type=int, default=100, help="of the stock pipeline; an epoch of 29,000 sentences is minutes")
    parser.add_argument("--fast", action="store_true", help="the frozen recipe")
    parser.add_argument("--held-out", action="store_true", help="train on everything and score tests/nlu only")
    options = parser.parse_args()
    encoders = Encoders.open()
    report: dict[str, Any] = {"recipe": "fast" if options.fast else "full"}
    reports = folder("reports")
    if options.csv:
        learn, test = map(read_csv, options.csv)
        start = time.time()
        model = train(learn, encoders, fast=options.fast)
        rows = judge(model, test)
        report["csv"] = {
            "train": len(learn), "test": len(test), "labels": len(model.labels), "train_s": round(time.time() - start, 1), "accuracy": share([r["best"] == r["truth"] for r in rows])
        }  # fmt: skip
        if options.stock:
            report["stock"] = stock(learn, test, options.epochs)
        print(json.dumps(report, indent=1))
        (reports / "nlu-csv.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
        return
    found = read_nlu(sorted((ROOT / "data").rglob("nlu.*.yml")))
    samples, languages = [s for s, _ in found], [language for _, language in found]
    report["data"] = {"sentences": len(samples), "labels": len({s.label for s in samples}), **Counter(languages)}
    judged: list[dict[str, Any]] = []
    spoken: list[str] = []
    if not options.held_out:
        fold = folds(groups([normalise(s.text).text for s in samples]), options.folds)
        for number in range(options.only or options.folds):
            start = time.time()
            model = train([s for s, f in zip(samples, fold) if f != number], encoders, fast=options.fast)
            seconds = time.time() - start
            test = [s for s, f in zip(samples, fold) if f == number]
            judged += judge(model, test)
            spoken += [language for language, f in zip(languages, fold) if f == number]
            print(json.dumps({"fold": number, "train_s": round(seconds, 1), **measure(judged)}), flush=True)
            if options.stock and number == 0:
                report["stock"] = stock([s for s, f in zip(samples, fold) if f != number], test, options.epochs)
        report["cross_validation"] = both_languages(judged, spoken)
        (reports / "nlu-confusions.txt").write_text(confusions(judged), encoding="utf-8")
        (reports / "nlu-cross-validation.json").write_text(json.dumps([{**r, "language": own} for r, own in zip(judged, spoken)], ensure_ascii=False), encoding="utf-8")
    start = time.time()
    model = train(samples, encoders, fast=options.fast, checkpoint=Checkpoint.load())
    report["train_s"] = round(time.time() - start, 1)
    report["bytes"] = size(model)
    report["limits"] = model.rejection.state()
    unseen = read_nlu(sorted((ROOT / "tests" / "nlu").glob("*.yml")))
    if unseen:
        plain = [(s, language) for s, language in unseen if s.label in model.labels]
        report["held_out"] = both_languages(judge(model, [s for s, _ in plain]), [language for _, language in plain])
        if options.stock and options.held_out:
            report["stock"] = stock(samples, [s for s, _ in plain], options.epochs)
    traps = read_traps(sorted((ROOT / "tests" / "nlu").glob("*.yml")))
    if traps:
        sprung = [row for row in judge(model, [Sample(text, "", detect(text)) for text in traps]) if row["name"] in OPERATIONS]
        report["traps"] = {"sentences": len(traps), "operations_started": len(sprung)}
        (reports / "nlu-traps.json").write_text(json.dumps(sprung, ensure_ascii=False, indent=1), encoding="utf-8")
    report["parse"] = latency(model, [s.text + "." for s in samples[:: max(1, len(samples) // 300)]])
    print(json.dumps(report, indent=1, ensure_ascii=False))
    (reports / "nlu.json").write_text(json.dumps(report, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
