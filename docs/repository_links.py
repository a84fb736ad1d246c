"""An mdBook preprocessor: links that leave the book become links to the repository."""

import json
import posixpath
import re
import sys

REPOSITORY = "https://github.com/millrace/millrace/blob/main/"
BOOK = "docs/src/"
LINK = re.compile(r"\]\((?!#|[a-z]+:)([^)\s]+)\)")


def rewrite(text, chapter):
    def link(match):
        path = posixpath.normpath(posixpath.join(BOOK, posixpath.dirname(chapter), match[1]))
        return match[0] if path.startswith(BOOK) else f"]({REPOSITORY}{path})"

    return LINK.sub(link, text)


def walk(items):
    for item in items:
        chapter = item.get("Chapter") if isinstance(item, dict) else None
        if chapter:
            if chapter["path"]:
                chapter["content"] = rewrite(chapter["content"], chapter["path"])
            walk(chapter["sub_items"])


if sys.argv[1:2] == ["supports"]:
    sys.exit(0)
_, book = json.load(sys.stdin)
# mdBook 0.5 calls `items` what were `sections` before.
walk(book.get("items") or book.get("sections") or [])
json.dump(book, sys.stdout)
