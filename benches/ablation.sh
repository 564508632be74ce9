#!/bin/sh
# What each recommendation is worth: the Frechet distance with and without it, at equal steps, mean and spread over seeds.
#
#   benches/ablation.sh DATA OUT
#
# DATA is a folder of class sub-folders; OUT gets one session a run. A run that has finished is not repeated, so the script
# can be stopped and started again. Settings by environment:
#
#   GANDLE  the program (target/release/gandle)     STEPS  steps of each run (2000)
#   SEEDS   "1 2 3"                                 SIZE   image size (32)
#   JOBS    runs at a time, each on one thread (2)  ROWS   names of the rows below to run (all of them)
set -eu
[ $# -eq 2 ] || { sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2; }
DATA=$1 OUT=$2
export DATA OUT GANDLE="${GANDLE:-target/release/gandle}" STEPS="${STEPS:-2000}" SIZE="${SIZE:-32}"
SEEDS=${SEEDS:-1 2 3} JOBS=${JOBS:-2}

# Name, then the settings that differ from the base: the preset `improved` without attention, which is in the plain form where
# a row has it. "without" rows undo what the base has; "with" rows add what it has not.
rows() {
    cat <<'ROWS'
base
original --preset original
without-fixed-conditioning --set discriminator.conditioning=label-map
with-projection --set discriminator.conditioning=projection
without-removed-batch-norm --set discriminator.norm=batch
without-moving-average --set optimizer.ema_decay=0
without-two-learning-rates --set optimizer.discriminator_lr=1e-4
without-hinge --set loss.kind=bce
with-attention --set generator.attention=[16] --set discriminator.attention=[16]
with-multi-scale --set discriminator.scales=2
with-wasserstein-gp --set loss.kind=wasserstein-gp --set discriminator.norm=layer --set discriminator.spectral_norm=false --set optimizer.discriminator_steps=5
with-perceptual --set loss.perceptual=0.1
with-growing --set growing.start=8 --set growing.stable_images=8000 --set growing.fade_images=8000
ROWS
}

chosen() {
    rows | while read -r name settings; do
        case " ${ROWS:-$name} " in *" $name "*) echo "$name${settings:+ $settings}" ;; esac
    done
}

# One run; its score is the last in its events.
cat > "${TMPDIR:-/tmp}/gandle-ablation-run.$$" <<'RUN'
seed=$1 name=$2
shift 2
session=$OUT/$name-$seed
grep -qs '"event":"finished"' "$session/events.jsonl" && exit 0
rm -rf "$session.part"
case " $* " in *" --preset "*) ;; *) set -- --preset improved "$@" ;; esac
# What a row sets comes last, so that it wins.
"$GANDLE" train --data "$DATA" --set image_size="$SIZE" --set generator.attention=[] --set discriminator.attention=[] \
    --set generator.attention_form=plain --set discriminator.attention_form=plain \
    --set 'score.metrics=["frechet-distance"]' "$@" --set train.grid_every=0 --set train.checkpoint_every=0 --set score.every="$STEPS" --steps "$STEPS" \
    --seed "$seed" --threads 1 --out "$session.part" >"$OUT/$name-$seed.log" 2>&1 ||
    { echo "$name, seed $seed failed: see $OUT/$name-$seed.log" >&2; exit 0; }
mv "$session.part" "$session"
echo "$name, seed $seed: done" >&2
RUN
trap 'rm -f "${TMPDIR:-/tmp}/gandle-ablation-run.$$"' EXIT
mkdir -p "$OUT"
for seed in $SEEDS; do
    chosen | sed "s/^/$seed /"
done | xargs -P "$JOBS" -L 1 sh "${TMPDIR:-/tmp}/gandle-ablation-run.$$"

# Mean and sample deviation over the seeds, and the difference from the base seed by seed.
echo "| run | Frechet distance, mean | std. dev. | by seed | difference from base, mean |"
echo "|---|---|---|---|---|"
chosen | while read -r name settings; do
    for seed in $SEEDS; do
        value() { grep '"event":"score"' "$OUT/$1-$seed/events.jsonl" 2>/dev/null | tail -n 1 | sed 's/.*"value":\([0-9.e+-]*\).*/\1/'; }
        echo "$(value "$name") $(value base)"
    done | awk -v name="$name" '
        $1 != "" { n++; x[n] = $1; sum += $1; by = by (by == "" ? "" : ", ") sprintf("%.1f", $1) }
        $2 != "" && $1 != "" { paired++; less += $1 - $2 }
        END {
            if (!n) { printf "| %s | not run | | | |\n", name; exit }
            mean = sum / n
            for (i = 1; i <= n; i++) squares += (x[i] - mean) ^ 2
            if (n > 1) spread = sprintf("%.1f", sqrt(squares / (n - 1)))
            if (paired) difference = sprintf("%+.1f", less / paired)
            printf "| %s | %.1f | %s | %s | %s |\n", name, mean, spread, by, difference
        }'
done
