"""Verifies every signature of the mails in a folder with dkimpy, keys from DNS. Run on the receiver's machine; prints JSON by file name."""
import json
import pathlib
import sys

import dkim


def signatures(data):
    count = sum(name.lower() == b"dkim-signature" for name, _ in dkim.rfc822_parse(data)[0])
    for index in range(count):
        check = dkim.DKIM(data)
        try:
            good, words = check.verify(idx=index), ""
        except dkim.DKIMException as error:
            good, words = False, str(error)
        tags = {name.decode(): value.decode(errors="replace") for name, value in (check.signature_fields or {}).items()}
        yield {"good": good, "words": words, "domain": tags.get("d", ""), "selector": tags.get("s", ""), "algorithm": tags.get("a", ""),
               "canonicalization": tags.get("c", "")}


def main():
    results = {}
    for path in pathlib.Path(sys.argv[1]).iterdir():
        results[path.name] = list(signatures(path.read_bytes().replace(b"\n", b"\r\n")))
    json.dump(results, sys.stdout)


main()
