#!/bin/sh
# What each preset draws, and how soon: its scores by a network that takes no part in training, and its grids.
#
#   benches/quality.sh DATA OUT
#
# DATA is a folder of class sub-folders, or `demo`; OUT gets one session a run, whose grids are the pictures to look at. A run
# that has finished is not repeated, so the script can be stopped and started again. Settings by environment:
#
#   GANDLE   the program (target/release/gandle)   STEPS  "600 1200 3600": scores are taken at multiples of the first,
#   PRESETS  "quick improved"                             and the run ends with the last
#   SEEDS    "1 2 3"                               SIZE   image size (32)
#   THREADS  of each run (0: all cores)            MORE   further settings, such as "--set channels=1"
#
# Minutes are of training alone, without scores, on this machine: they mean something while it does nothing else.
set -eu
[ $# -eq 2 ] || { sed -n '2,14s/^# \{0,1\}//p' "$0" >&2; exit 2; }
DATA=$1 OUT=$2
GANDLE=${GANDLE:-target/release/gandle} SIZE=${SIZE:-32} MORE=${MORE:-} THREADS=${THREADS:-0}
STEPS=${STEPS:-600 1200 3600} PRESETS=${PRESETS:-quick improved} SEEDS=${SEEDS:-1 2 3}
mkdir -p "$OUT"
EVERY=${STEPS%% *} LAST=${STEPS##* }

session() { echo "$OUT/$1-$SIZE-$2"; }

for preset in $PRESETS; do for seed in $SEEDS; do
    session=$(session "$preset" "$seed")
    grep -qs '"event":"finished"' "$session/events.jsonl" && continue
    rm -rf "$session"
    # shellcheck disable=SC2086 # MORE is a list of words
    "$GANDLE" train --data "$DATA" --preset "$preset" --set image_size="$SIZE" $MORE \
        --set 'score.metrics=["frechet-distance","precision","recall","nearest-real"]' --set score.every="$EVERY" --set score.most_time=1 \
        --set train.checkpoint_every=0 --set train.grid_every="$EVERY" --steps "$LAST" --threads "$THREADS" --seed "$seed" \
        --out "$session" >"$session.log" 2>&1 || { echo "$session failed: see $session.log" >&2; continue; }
    echo "$session: done" >&2
done; done

echo "| preset | seed | steps | minutes | Frechet distance | precision | recall | nearest real, fakes / real |"
echo "|---|---|---|---|---|---|---|---|"
for preset in $PRESETS; do for seed in $SEEDS; do
    cat "$(session "$preset" "$seed")/events.jsonl" 2>/dev/null | awk -v steps="$STEPS" -v row="| $preset | $seed |" '
        function field(name,   at) {
            at = index($0, "\"" name "\":")
            return at ? substr($0, at + length(name) + 3) + 0 : ""
        }
        /"event":"step"/ { seconds[field("step")] = field("seconds") }
        /"event":"score"/ && /"class":null/ {
            split($0, parts, "\"metric\":\""); split(parts[2], name, "\"")
            value[field("step"), name[1]] = field("value")
            if (name[1] == "nearest-real") base[field("step")] = field("baseline")
        }
        END {
            count = split(steps, wanted, " ")
            for (i = 1; i <= count; i++) {
                at = wanted[i]
                if (!((at, "frechet-distance") in value)) { printf "%s %d | not run | | | | |\n", row, at; continue }
                near = base[at] ? sprintf("%.2f", value[at, "nearest-real"] / base[at]) : ""
                printf "%s %d | %.1f | %.1f | %.2f | %.2f | %s |\n", row, at, seconds[at] / 60, value[at, "frechet-distance"],
                    value[at, "precision"], value[at, "recall"], near
            }
        }'
done; done
