#!/usr/bin/env bash
# Prints what CHANGELOG.md says of the version that a tag names, if it is the one of pyproject.toml and has a date.
set -euo pipefail
cd "$(dirname "$0")/.."
tag=${TAG:?is the tag to release, such as v1.2.3}
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
if [[ $tag != "v$version" ]]; then
  echo "error: the tag is $tag, but pyproject.toml has version $version: tag v$version, or change the version" >&2
  exit 1
fi
dated="## $version: [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
notes=$(awk -v version="$version" '/^## / { inside = $2 == version ":" && NF == 3 } inside' CHANGELOG.md)
# shellcheck disable=SC2053 # a pattern
if [[ ${notes%%$'\n'*} != $dated ]]; then
  echo "error: CHANGELOG.md has no heading '## $version: DATE': date the section of this release" >&2
  exit 1
fi
tail -n +3 <<<"$notes"
