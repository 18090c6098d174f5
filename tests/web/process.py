"""``ecgstream web`` as its tests run it, and what it shows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import numpy as np

from ecgstream.settings import HttpSettings, LogSettings, Settings, WebSettings
from ecgstream.web.access import Role, new_entry
from ecgstream.web_process import WebProcess

from ..feed import Bed

BED = Bed("bed-1", cuts=tuple(range(125, 24 * 250, 125)))
ORDER = {"streamId": "bed-1", "actor": "Nurse Joy", "reason": "seen", "acknowledge": {}}


def settings(folder: Path, **sections) -> tuple[Settings, str]:
    """Settings of a page with a token for it."""
    token, entry = new_entry("desk", Role.ACKNOWLEDGE)
    (folder / "tokens.yaml").write_text(entry)
    web = WebSettings(enabled=True, tokens_file=folder / "tokens.yaml")
    log = LogSettings(audit_path=folder / "audit.jsonl")
    return Settings(http=HttpSettings(port=0), web=web, log=log, **sections), token


@asynccontextmanager
async def served(settings: Settings, token: str) -> AsyncIterator[aiohttp.ClientSession]:
    process = WebProcess(settings)
    running = asyncio.create_task(process.run())
    try:
        async with asyncio.timeout(30):
            while not process.endpoints.port:
                await asyncio.sleep(0.05)
                if running.done():
                    running.result()
        base = f"http://127.0.0.1:{process.endpoints.port}/"
        async with aiohttp.ClientSession(base, headers={"Authorization": f"Bearer {token}"}) as browser:
            yield browser
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def shown(browser: aiohttp.ClientSession) -> tuple[dict, np.ndarray]:
    """What a page is told of bed-1, and its first lead, once all of that has come: alarm, rate, signal."""
    bed, rate, wave = {}, None, np.array([], np.int16)
    async with asyncio.timeout(30), browser.ws_connect("ward/live") as socket:
        await socket.receive_json()
        while not (bed.get("alerts") and rate and len(wave) > 2000):
            message = await socket.receive()
            if message.type is aiohttp.WSMsgType.BINARY:
                n = int.from_bytes(message.data[12:14], "little")
                wave = np.concatenate((wave, np.frombuffer(message.data, "<i2", n, 16)))
                continue
            news = json.loads(message.data)
            rate = next((document["hr"] for document in news["vitals"]), rate)
            for document in news["beds"]:
                bed = document
                await socket.send_json({"show": [{"n": bed["n"]}]})
    return bed | {"hr": rate}, wave


def assert_is_the_feed(bed: dict, wave: np.ndarray) -> None:
    assert (bed["id"], bed["leads"][:2], bed["alerts"][0]["id"], bed["hr"]) == ("bed-1", ["I", "II"], "a1", 70)
    # Lead II of the made-up patient, whose beats swing by about a millivolt.
    assert 500 < wave.max() < 2500


async def pages(browser: aiohttp.ClientSession) -> dict[str, dict]:
    """What each bed's page is made of."""
    async with browser.ws_connect("ward/live") as socket:
        await socket.receive_json()
        beds = (await socket.receive_json())["beds"]
    found = {}
    for bed in beds:
        async with browser.get(f"ward/beds/{bed['n']}") as answer:
            found[bed["id"]] = await answer.json()
    return found
