#!/bin/sh
# What each preset draws after so many minutes: its scores by a network that takes no part in training, and its grids.
#
#   benches/quality.sh DATA OUT
#
# DATA is a folder of class sub-folders, or `demo`; OUT gets one session a run, whose last grid is the picture to look at. A run
# that has finished is not repeated, so the script can be stopped and started again. Settings by environment:
#
#   GANDLE   the program (target/release/gandle)   MINUTES "1 2 6"
#   PRESETS  "quick improved"                      SEEDS   "1 2 3"
#   SIZE     image size (32)                       MORE    further settings, such as "--set channels=1"
#
# Runs follow one another and take all cores, so that a minute is a minute. Needs a quiet machine.
set -eu
[ $# -eq 2 ] || { sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2; }
DATA=$1 OUT=$2
GANDLE=${GANDLE:-target/release/gandle} SIZE=${SIZE:-32} MORE=${MORE:-}
MINUTES=${MINUTES:-1 2 6} PRESETS=${PRESETS:-quick improved} SEEDS=${SEEDS:-1 2 3}
mkdir -p "$OUT"

session() { echo "$OUT/$1-$SIZE-$2min-$3"; }

# Steps without end, but for rates that fall with them: as many as the preset has.
for preset in $PRESETS; do for minutes in $MINUTES; do for seed in $SEEDS; do
    session=$(session "$preset" "$minutes" "$seed")
    grep -qs '"event":"finished"' "$session/events.jsonl" && continue
    rm -rf "$session"
    # shellcheck disable=SC2086 # MORE is a list of words
    "$GANDLE" train --data "$DATA" --preset "$preset" --set image_size="$SIZE" $MORE \
        --set 'score.metrics=["frechet-distance","precision","recall","nearest-real"]' --set score.every=1000000000 \
        --set train.checkpoint_every=0 --set train.grid_every=1000 --steps 1000000 --minutes "$minutes" --seed "$seed" \
        --out "$session" >"$session.log" 2>&1 || { echo "$session failed: see $session.log" >&2; continue; }
    echo "$session: done" >&2
done; done; done

echo "| preset | minutes | seed | steps | Frechet distance | precision | recall | nearest real, fakes / real |"
echo "|---|---|---|---|---|---|---|---|"
for preset in $PRESETS; do for minutes in $MINUTES; do for seed in $SEEDS; do
    grep -h '"event":"score"' "$(session "$preset" "$minutes" "$seed")/events.jsonl" 2>/dev/null |
        grep '"class":null' | awk -v row="| $preset | $minutes | $seed |" '
            function field(name,   at) {
                at = index($0, "\"" name "\":")
                return at ? substr($0, at + length(name) + 3) + 0 : ""
            }
            { split($0, parts, "\"metric\":\""); split(parts[2], name, "\""); value[name[1]] = field("value"); step = field("step") }
            name[1] == "nearest-real" { base = field("baseline") }
            END {
                if (!step) { print row " not run | | | | |"; exit }
                near = base ? sprintf("%.2f", value["nearest-real"] / base) : ""
                printf "%s %d | %.1f | %.2f | %.2f | %s |\n", row, step, value["frechet-distance"], value["precision"], value["recall"], near
            }'
done; done; done
