"""Drives a board as MLPerf Tiny's runner does, on pyserial, and tells as JSON what it heard.

Only the dialect of the benchmark is known here, nothing of Thimble: its commands, its expressions for the answers, its
pieces of 31 bytes, its time-outs, its script of five downloads, and its two rules about them. docs/serial-protocol.md.

    mlperf_client.py PORT FOLDER --infer N W [--seconds S] [--accuracy COUNT]

FOLDER holds y_labels.csv (file, classes, label) and the files, as the benchmark's data sets do.
"""
import argparse
import csv
import json
import os
import re
import statistics
import sys
import time

import serial

PIECE_BYTES = 31
LOOPS = 5
FIRMWARE = "ULPMark for tinyML Firmware V0.0.1"
MODELS = ("kws01", "vww01", "ad01", "ic01", "strww01")

NAME = re.compile(r"^m-(name)-dut-\[([^]]+)]$")
PROFILE = re.compile(r"^m-profile-\[([^]]+)]$")
MODEL = re.compile(r"^m-model-\[([^]]+)]$")
LAP = re.compile(r"^m-lap-us-([0-9]+)$")
RESULTS = re.compile(r"^m-results-\[([^]]+)]$")
EXPECTING = re.compile(r"^m-\[Expecting ([0-9]+) bytes]$")


class Failure(Exception):
    pass


class Board:
    def __init__(self, path):
        self.port = serial.Serial(path, 115200, timeout=0.1)
        self.pending = ""

    def lines(self, seconds):
        """What the board says until m-ready is contained in a line, that line left out."""
        end = time.monotonic() + seconds
        heard = []
        while time.monotonic() < end:
            data = self.port.read(max(1, self.port.in_waiting))
            self.pending += data.decode("ascii", errors="ignore").replace("\0", "").replace("\r", "")
            while "\n" in self.pending:
                line, self.pending = self.pending.split("\n", 1)
                if "m-ready" in line:
                    return heard
                if line:
                    heard.append(line)
        raise Failure("no m-ready within %g s after %r" % (seconds, heard))

    def send(self, command, seconds=5.0):
        self.port.write((command + "%").encode("ascii"))
        heard = self.lines(seconds)
        for line in heard:
            if line.startswith("e-"):
                raise Failure("%s: %s" % (command, line))
        return heard

    def ask(self, command, *expressions, retries=1, seconds=5.0):
        """The answer's lines, each matched by its expression: no more and no less."""
        for left in range(retries - 1, -1, -1):
            try:
                heard = self.send(command, seconds)
                break
            except Failure:
                if left == 0:
                    raise
        matches = [expression.match(line) for expression, line in zip(expressions, heard)]
        if len(heard) != len(expressions) or None in matches:
            raise Failure("%s is answered by %r" % (command, heard))
        return matches


def exactly(text):
    return re.compile("^" + re.escape(text) + "$")


def download(board, data):
    if int(board.ask("db load %d" % len(data), EXPECTING)[0].group(1)) != len(data):
        raise Failure("another number of bytes is expected")
    for at in range(0, len(data), PIECE_BYTES):
        is_last = at + PIECE_BYTES >= len(data)
        board.ask("db " + data[at : at + PIECE_BYTES].hex(), *([exactly("m-load-done")] if is_last else []))


def infer(board, runs, warm_ups):
    heard = board.ask(
        "infer %d %d" % (runs, warm_ups),
        exactly("m-warmup-start-%d" % warm_ups),
        exactly("m-warmup-done"),
        exactly("m-infer-start-%d" % runs),
        LAP,
        LAP,
        exactly("m-infer-done"),
        RESULTS,
        seconds=30.0,
    )
    microseconds = int(heard[4].group(1)) - int(heard[3].group(1))
    return microseconds, [float(value) for value in heard[6].group(1).split(",")]


def performance(board, samples, runs, warm_ups, seconds):
    rates, took, began = [], 0, time.monotonic()
    for loop in range(LOOPS):
        download(board, samples[loop % len(samples)][0])
        microseconds, _ = infer(board, runs, warm_ups)
        took += microseconds
        rates.append(runs / (microseconds / 1e6))
    if len(rates) != LOOPS:
        raise Failure("error 1: %d downloads" % len(rates))
    if took / LOOPS < seconds * 1e6 or runs < 10:
        raise Failure("error 2: %g s and %d inferences a loop" % (took / LOOPS / 1e6, runs))
    return {"inferencesPerSecond": statistics.median(rates), "rates": rates, "wallSeconds": time.monotonic() - began}


def accuracy(board, samples):
    hits, outputs = 0, []
    for data, label in samples:
        download(board, data)
        _, results = infer(board, 1, 0)
        outputs.append(results)
        hits += results.index(max(results)) == label
    if board.ask("results", RESULTS)[0].group(1) != ",".join("%.3f" % value for value in outputs[-1]):
        raise Failure("results tells something else than infer")
    return {"n": len(samples), "hits": hits, "outputs": outputs}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("port")
    arguments.add_argument("folder")
    arguments.add_argument("--infer", nargs=2, type=int, required=True)
    arguments.add_argument("--seconds", type=float, default=10.0)
    arguments.add_argument("--accuracy", type=int, default=0)
    chosen = arguments.parse_args()
    with open(os.path.join(chosen.folder, "y_labels.csv"), newline="") as rows:
        samples = []
        for file, _, label in csv.reader(rows, skipinitialspace=True):
            with open(os.path.join(chosen.folder, file), "rb") as sample:
                samples.append((sample.read(), int(label)))
    board = Board(chosen.port)
    board.port.write(b"name%")  # discovery: whatever the board says meanwhile, it is ready within two seconds
    board.lines(2.0)
    name = board.ask("name", NAME, retries=3)[0]
    profile, model = board.ask("profile", PROFILE, MODEL, retries=3)
    if profile.group(1) != FIRMWARE or model.group(1) not in MODELS:
        raise Failure("no test for %r, %r" % (profile.group(1), model.group(1)))
    stamps = [int(board.ask("timestamp", LAP)[0].group(1)) for _ in range(2)]
    heard = {"name": name.group(2), "model": model.group(1), "timestamps": stamps}
    heard["performance"] = performance(board, samples, chosen.infer[0], chosen.infer[1], chosen.seconds)
    if chosen.accuracy > 0:
        heard["accuracy"] = accuracy(board, samples[: chosen.accuracy])
    json.dump(heard, sys.stdout)


try:
    main()
except Failure as failure:
    sys.exit("mlperf client: %s" % failure)
