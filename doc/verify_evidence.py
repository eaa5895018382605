#!/usr/bin/env python3
"""Checks an evidence file of proctor with nothing but Python: verify_evidence.py FILE [KEY or file with it].

Written from doc/evidence-format.md, on purpose without any code of proctor. Exit status: 0 all holds, 1 it does not.
"""
import base64, hashlib, json, sys


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


class Wrong(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Wrong(what)


# Ed25519, RFC 8032 section 5.1: points as (x, y) on -x^2 + y^2 = 1 + d x^2 y^2 modulo P.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    k = D * x1 * x2 * y1 * y2 % P
    return ((x1 * y2 + x2 * y1) * pow(1 + k, P - 2, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, P - 2, P) % P)


def times(n, point):
    out = (0, 1)
    while n:
        if n & 1:
            out = add(out, point)
        point = add(point, point)
        n >>= 1
    return out


def decode_point(b):
    y = int.from_bytes(b, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    need(y < P, "point out of range")
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT_OF_MINUS_1 % P
    need(x * x % P == square and not (x == 0 and sign), "not a point")
    return (P - x if x & 1 != sign else x, y)


BASE = decode_point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed25519_ok(public, message, signature):
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    return times(s, BASE) == add(decode_point(signature[:32]), times(k, decode_point(public)))


def open_checkpoint(note, key):
    """The size and root that the key signed."""
    name, key_id, data = key.split("+", 2)
    data = base64.b64decode(data, validate=True)
    need(len(data) == 33 and data[0] == 1, "not an Ed25519 key")
    need(sha(name.encode(), b"\n", data)[:4].hex() == key_id, "the key's id does not fit it")
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    good = False
    for line in signatures.splitlines():
        mark, signer, value = line.split(" ")
        value = base64.b64decode(value, validate=True)
        if mark == "\u2014" and signer == name and value[:4].hex() == key_id:
            good = good or ed25519_ok(data[1:], text.encode(), value[4:])
    need(good, "the checkpoint is not signed with this key")
    origin, size, root = text.split("\n")[:3]
    need(origin == name, "the checkpoint is of another log")
    return int(size), base64.b64decode(root, validate=True)


def root_from(index, size, leaf, proof):
    """RFC 9162 section 2.1.3.2."""
    need(index < size, "the entry is beyond the tree")
    fn, sn, r = index, size - 1, leaf
    for p in proof:
        need(sn != 0, "the proof is too long")
        if fn & 1 or fn == sn:
            r = sha(b"\1", p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = sha(b"\1", r, p)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "the proof is too short")
    return r


def beginning(small, large, proof):
    """RFC 9162 section 2.1.4.2: of two trees, each a size and a root, whether the smaller is a beginning of the larger."""
    fn, sn = small[0] - 1, large[0] - 1
    if small[0] & fn == 0:
        proof = [small[1]] + proof
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    a = b = proof[0]
    for p in proof[1:]:
        need(sn != 0, "the proof is too long")
        if fn & 1 or fn == sn:
            a, b = sha(b"\1", p, a), sha(b"\1", p, b)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            b = sha(b"\1", b, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and (a, b) == (small[1], large[1])


def check_content(payload, content):
    """Each text is what the payload commits to at its path."""
    for path, c in content.items():
        at = payload
        for step in path.split("."):
            at = at[int(step)] if isinstance(at, list) else at[step]
        text = base64.b64decode(c["bytes"], validate=True) if "bytes" in c else c.get("text", "").encode()
        need(at["bytes"] == len(text) and at["sealed"] == sha(base64.b64decode(c["salt"], validate=True), text).hex(), "text %s is not what was committed to" % path)


def proven(entry, proof, size, root):
    """The parsed entry, which is in the tree."""
    out = json.loads(entry)
    leaf = sha(b"\0", entry.encode())
    need(root_from(out["index"], size, leaf, [bytes.fromhex(h) for h in proof]) == root, "entry %d is not in the signed tree" % out["index"])
    return out


def follow_keys(head, key):
    """The rotations lead to the key of the checkpoint, and the given key is one of them."""
    seen = []
    for r in head.get("rotations", []):
        event = json.loads(r["entry"])["event"]
        old, new = event["payload"]["old_key"], event["payload"]["new_key"]
        need(event["kind"] == "proctor.key_rotated" and (not seen or seen[-1] == old), "the keys do not follow each other")
        size, root = open_checkpoint(r["checkpoint"], old)
        open_checkpoint(r["checkpoint"], new)
        proven(r["entry"], r["proof"], size, root)
        seen += [old] * (not seen) + [new]
    seen = seen or [head["public_key"]]
    need(seen[-1] == head["public_key"], "the rotations do not lead to the key of the checkpoint")
    need(not key or key in seen, "the file is signed with another key")


def check_time(stamp, key, size, root, last):
    """The token is over a checkpoint of this ledger that covers the entries. Who signed the token is for openssl ts -verify."""
    n, r = open_checkpoint(stamp["checkpoint"], key)
    need(n > last, "a time-stamp is of a tree without the last entry")
    need(b"\x04\x20" + sha(stamp["checkpoint"].encode()) in base64.b64decode(stamp["token"], validate=True), "a time-stamp is over something else")
    trees, proof = sorted([(n, r), (size, root)]), [bytes.fromhex(h) for h in stamp.get("proof", [])]
    need(trees[0] == trees[1] or beginning(*trees, proof), "a time-stamp is of another tree")


def check(path, key):
    with open(path, encoding="utf-8", newline="\n") as f:
        head = json.loads(f.readline())
        need(head["proctor_evidence"] in (1, 2), "this is version 2 of the checker")
        follow_keys(head, key)
        size, root = open_checkpoint(head["checkpoint"], head["public_key"])
        number, last, texts, kind = head["first"], -1, 0, ""
        for line in f:
            line = json.loads(line)
            entry = proven(line["entry"], line["proof"], size, root)
            event, index = entry["event"], entry["index"]
            need(event["session"] == head["session"] and index > last and entry["session_seq"] == number, "entry %d is out of place" % index)
            check_content(event["payload"], line.get("content", {}))
            texts += "content" in line
            number, last, kind = number + 1, index, event["kind"]
    need(number - head["first"] == head["entries"], "%d entries are there, %d should be" % (number - head["first"], head["entries"]))
    for stamp in head.get("timestamps", []):
        check_time(stamp, head["public_key"], size, root, last)
        print("a time-stamp over %s entries, by whom is not checked" % stamp["checkpoint"].split("\n")[1])
    print("OK: %d entries of session %s (%s), texts of %d, in a tree of %d signed with %s" % (
        head["entries"], head["session"], "whole" if head["first"] == 1 and kind == "proctor.session_closed" else "not whole", texts, size, key or head["public_key"] + ", the file's own key"))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    given = sys.argv[2] if len(sys.argv) == 3 else ""
    if given and "+" not in given:
        given = open(given, encoding="utf-8").read().split()[0]
    try:
        check(sys.argv[1], given)
    except (Wrong, KeyError, IndexError, TypeError, ValueError) as e:
        sys.exit("FAILED: %s" % (e if isinstance(e, Wrong) else repr(e)))
