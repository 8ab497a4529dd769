"""What the services are asked, and the answer that is right."""

import json
import math

ORDER = {
    "id": "7a1c9d52-4b0e-4f6e-9c55-1f2e3d4c5b6a",
    "currency": "USD",
    "items": [{"sku": f"A-{number:05}", "name": f"  Part  No {number} ",
               "quantity": number % 7 + 1, "price": number * 1.37,
               "tags": ["stock", "small", f"shelf-{number % 9}"]}
              for number in range(1, 25)]}
RATE = 1.08


def rounded(amount):
    return math.floor(amount + 0.5) / 100


def priced(item):
    net = item["quantity"] * item["price"] * RATE
    return {**item, "name": "-".join(item["name"].lower().split()),
            "net": rounded(net * 100), "gross": rounded(net * 119)}


ITEMS = sorted(map(priced, ORDER["items"]), key=lambda item: -item["gross"])
ANSWER = {"id": ORDER["id"], "items": ITEMS,
          "total": sum(item["gross"] for item in ITEMS)}


def is_right(body):
    answer = json.loads(body)
    # The languages add in different ways.
    answer["total"] = round(answer["total"], 6)
    return answer == {**ANSWER, "total": round(ANSWER["total"], 6)}
