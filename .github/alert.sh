#!/usr/bin/env bash
# One open issue tells of the scheduled runs that went wrong: the first opens it, the next add to it.
set -euo pipefail
cd "$(dirname "$0")/.."
title="Scheduled rerun: worse than the committed result, or failed"
text=$(mktemp)
trap 'rm -f "$text"' EXIT
cat reports/drift.md >"$text" 2>/dev/null || echo "The run failed before there was a result to compare." >"$text"
[[ -z ${RUN_URL:-} ]] || printf '\n%s\n' "$RUN_URL" >>"$text"
number=$(gh issue list --state open --json number,title --jq "map(select(.title == \"$title\"))[0].number // empty")
if [[ -n $number ]]; then
  gh issue comment "$number" --body-file "$text"
else
  gh issue create --title "$title" --body-file "$text"
fi
