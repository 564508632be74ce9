#!/bin/sh
# What each recommendation is worth: the Frechet distance with and without it, at equal steps, mean and spread over seeds.
#
#   benches/ablation.sh DATA OUT
#
# DATA is a folder of class sub-folders; OUT gets one session a run. A run that has finished is not repeated, so the script
# can be stopped and started again. Settings by environment:
#
#   GANDLE  the program (target/release/gandle)     STEPS  steps of each run (1000)
#   SEEDS   "1 2 3"                                 SIZE   image size (32)
#   JOBS    runs at a time, each on one thread (2)  ROWS   names of the rows below to run (all of them)
#   BASE    the preset that rows change: quick (the default) or improved (without attention)
#
# The table has precision and recall beside the distance, all by EfficientNet-Lite2, which trains nothing.
set -eu
[ $# -eq 2 ] || { sed -n '2,14s/^# \{0,1\}//p' "$0" >&2; exit 2; }
DATA=$1 OUT=$2
export DATA OUT BASE="${BASE:-quick}" GANDLE="${GANDLE:-target/release/gandle}" STEPS="${STEPS:-1000}" SIZE="${SIZE:-32}"
SEEDS=${SEEDS:-1 2 3} JOBS=${JOBS:-2}

# Name, then the settings that differ from the base. "without" rows undo what the base has; "with" rows add what it has not.
rows() {
    case $BASE in
    quick) cat <<'ROWS' ;;
base
without-frozen-features --set discriminator.family=dcgan --set discriminator.base_channels=32 --set discriminator.norm=none
without-fast-generator --set generator.family=dcgan --set generator.base_channels=32 --set generator.norm=conditional-batch
without-both --preset improved --set generator.attention=[] --set discriminator.attention=[]
without-batch-norm-in-heads --set discriminator.norm=none
without-minibatch-deviation --set discriminator.minibatch_stddev=false
without-projection --set discriminator.conditioning=none
without-mirrored-rims --set augment.edge=zeros
without-translation --set augment.translation=0
without-blur-and-gap --set train.blur=0 --set optimizer.gap=0
without-moving-average --set optimizer.ema_half_life=0 --set optimizer.ema_decay=0
without-high-rates --set optimizer.generator_lr=1e-4 --set optimizer.discriminator_lr=4e-4
without-hinge --set loss.kind=bce
with-spectral-norm --set discriminator.spectral_norm=true
with-pixel-discriminator --set discriminator.pixel_channels=16
with-lecam --set loss.lecam=0.1
with-color-and-cutout --set augment.color=0.5 --set augment.cutout=0.25
ROWS
    improved) cat <<'ROWS' ;;
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
    *) echo "BASE is quick or improved, not $BASE" >&2 && exit 2 ;;
    esac
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
case " $* " in *" --preset "*) ;; *) set -- --preset "$BASE" "$@" ;; esac
if [ "$BASE" = improved ]; then
    set -- --set generator.attention=[] --set discriminator.attention=[] \
        --set generator.attention_form=plain --set discriminator.attention_form=plain "$@"
fi
# What a row sets comes last, so that it wins.
"$GANDLE" train --data "$DATA" --set image_size="$SIZE" --set 'score.metrics=["frechet-distance","precision","recall"]' "$@" \
    --set train.grid_every=0 --set train.checkpoint_every=0 --set score.every="$STEPS" --steps "$STEPS" \
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
value() {
    grep -h '"event":"score"' "$OUT/$1/events.jsonl" 2>/dev/null | grep '"class":null' | grep "\"metric\":\"$2\"" | tail -n 1 |
        sed 's/.*"value":\([-0-9.e+]*\).*/\1/'
}
echo "| run | Frechet distance, mean | std. dev. | by seed | difference from base, mean | precision | recall |"
echo "|---|---|---|---|---|---|---|"
chosen | while read -r name settings; do
    for seed in $SEEDS; do
        run=$name-$seed
        echo "$(value "$run" frechet-distance);$(value "base-$seed" frechet-distance);$(value "$run" precision);$(value "$run" recall)"
    done | awk -F ';' -v name="$name" '
        $1 != "" { n++; x[n] = $1; sum += $1; by = by (by == "" ? "" : ", ") sprintf("%.1f", $1); precision += $3; recall += $4 }
        $2 != "" && $1 != "" && name != "base" { paired++; less += $1 - $2 }
        END {
            if (!n) { printf "| %s | not run | | | | | |\n", name; exit }
            mean = sum / n
            for (i = 1; i <= n; i++) squares += (x[i] - mean) ^ 2
            if (n > 1) spread = sprintf("%.1f", sqrt(squares / (n - 1)))
            if (paired) difference = sprintf("%+.1f", less / paired)
            printf "| %s | %.1f | %s | %s | %s | %.2f | %.2f |\n", name, mean, spread, by, difference, precision / n, recall / n
        }'
done
