#!/usr/bin/env bash
# Takes every picture of docs/pictures anew: of each page, in both themes, at 1280 x 800 and some at 2560 x 1440.
#
#   docs/take-pictures.sh GANDLE WORK [SCENE...]
#
# GANDLE  the program, built with optimisation
# WORK    a folder to work in. Its `sessions` are looked at; where there are none, they are trained, some ten minutes on two
#         cores. It is kept, so that a second go needs only the ten minutes of the pictures. One go at a time in it.
# SCENE   only these of: start setup data run pages explore quiz compare queue live
#
# PICTURES is where the pictures go (docs/pictures), SCREEN the number of a display that is free (98).
# Needs Xvfb, xdotool and ImageMagick, and Python where xdotool has no `windowquit`.
#
# A window starts from a state that is written here (theme, page, set-up), and keys turn the pages, so that little depends on
# the layout. What only the pointer reaches is listed once, under "Places": look at these first after the layout has changed.
set -euo pipefail

usage() { sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 2; }
[ $# -ge 2 ] || usage
for tool in Xvfb xdotool import convert; do
  command -v "$tool" > /dev/null || { echo "$tool is missing: install xvfb, xdotool and imagemagick" >&2; exit 1; }
done

GANDLE=$(realpath "$1")
mkdir -p "$2"
WORK=$(realpath "$2")
shift 2
SCENES=${*:-start setup data run pages explore quiz compare queue live}
PICTURES=$(realpath -m "${PICTURES:-$(dirname "$0")/pictures}")
mkdir -p "$PICTURES"
STATE=$WORK/home/.local/share/gandle

# --- Places: x y in a window of 1280 x 800 -----------------------------------------------------------------------------------

THEME_BUTTON="1251 28"
COMPARE_WITH="285 105"       # above the set-up
COMPARE_CHOICE="472 378"     # in its dialog, while no setting differs
COMPARE_SESSION="476 469"    # the first session of the choice, after two presets
DATA_HEAD="168 150"          # heads of the set-up, each with all sections above it folded
GENERATOR_HEAD="168 382"
DISCRIMINATOR_HEAD="168 440"
LOSS_HEAD="168 498"
OPTIMIZER_HEAD="168 556"
GENERATOR_RATE="255 588"
SETUP_MIDDLE="168 560"
EXPLORE_TABS=("seeds 403 184" "walk 467 184" "morph 534 184" "map 600 184")
QUIZ_BEGIN="625 416"
RUN_BOXES=("387 195" "387 226" "387 257")  # the first rows of the Compare page, with no session open
QUEUE_PAUSE="1097 311"       # the Queue page, with no session open
QUEUE_SEEDS="450 218"
QUEUE_SETTINGS="740 192"
QUEUE_ADD="413 251"
D_ONLY="914 124"             # in the bar of a paused run
G_ONLY="980 124"

# --- Sessions ----------------------------------------------------------------------------------------------------------------

# The runs of the guide: small enough to be trained while one waits, long enough to have several scores.
SETTINGS=(--data demo --set image_size=32 --set data.demo_images=60 --set data.held_out=0.2
  --set 'score.metrics=["frechet-distance","intra-class-frechet-distance","kernel-distance","precision","recall","coverage","nearest-real"]'
  --set score.every=250 --set train.grid_every=50 --set generator.attention=[] --set discriminator.attention=[])

train() { # NAME, then what differs
  local name=$1 session=sessions/$1
  shift
  grep -qsF '"event":"finished"' "$WORK/$session/events.jsonl" && return
  echo "training $name"
  (
    cd "$WORK"
    export HOME=$WORK/home
    # One that an earlier go has left half-way goes on.
    if [ -d "$session/checkpoints" ]; then
      exec "$GANDLE" resume "$session"
    else
      exec "$GANDLE" train "${SETTINGS[@]}" "$@" --out "$session"
    fi
  ) > "$WORK/train.log" 2>&1 || { tail -3 "$WORK/train.log" >&2; echo "$name was not trained" >&2; exit 1; }
}

mkdir -p "$WORK/home" "$WORK/sessions" "$WORK/empty/sessions" "$WORK/live/sessions"
train cells-seed-1 --steps 2000 --seed 1
train cells-seed-2 --steps 1500 --seed 2
train cells-least-squares --steps 1500 --seed 1 --set loss.kind=least-squares

# --- The window --------------------------------------------------------------------------------------------------------------

PROGRAM=
SERVER=
SETUP=
cleanup() {
  [ -z "$PROGRAM" ] || kill "$PROGRAM" 2> /dev/null || true
  [ -z "$SERVER" ] || kill "$SERVER" 2> /dev/null || true
}
trap cleanup EXIT

unset XDG_DATA_HOME  # the state lies below HOME
export DISPLAY=:${SCREEN:-98} LIBGL_ALWAYS_SOFTWARE=1
# Wider than the largest window, so that the pointer can rest beside it.
Xvfb "$DISPLAY" -screen 0 2640x1440x24 > "$WORK/xvfb.log" 2>&1 &
SERVER=$!
sleep 1
kill -0 "$SERVER" || { echo "no display $DISPLAY: give another number as SCREEN" >&2; exit 1; }

park() { xdotool mousemove 2620 1420; }
key() { xdotool key "$1"; sleep "${2:-0.8}"; }
click() { xdotool mousemove "$1" "$2"; sleep 0.3; xdotool click 1; sleep 0.3; park; sleep "${3:-0.8}"; }

# The set-up that a window starts with; the arguments are those of `gandle train`.
setup() { SETUP=$(HOME=$WORK/home "$GANDLE" train "$@" --dry-run 2> /dev/null); }

# Opens a window: its folder, theme, settings as they are kept between starts, size, and the session that it shows.
open_() { # FOLDER THEME SETTINGS WIDTHxHEIGHT [SESSION]
  THEME=${2,,} SIZE=$4
  local wide=${4%x*} high=${4#*x} config=
  [ -z "$SETUP" ] || config="config:r###\"$SETUP\"###,"
  rm -rf "$STATE"
  mkdir -p "$STATE"
  printf '{"gandle":r####"(%ssettings:(theme:%s,%s))"####}\n' "$config" "$2" "$3" > "$STATE/app.ron"
  cd "$1"
  HOME=$WORK/home "$GANDLE" "${@:5}" > "$WORK/gandle.log" 2>&1 &
  PROGRAM=$!
  cd "$WORK"
  WINDOW=$(xdotool search --sync --onlyvisible --pid "$PROGRAM" | head -1)
  xdotool windowmove "$WINDOW" 0 0 windowsize "$WINDOW" "$wide" "$high" windowfocus "$WINDOW"
  park
  sleep 4
}

close_() {
  kill "$PROGRAM"
  wait "$PROGRAM" || true
  PROGRAM=
}

# Takes a picture. A palette makes it less than half as large, and hardly another to look at.
pic() { # NAME
  local file=$PICTURES/$1-$THEME-${SIZE%x*}.png
  sleep 0.5
  import -window "$WINDOW" "$WORK/look.png"
  convert "$WORK/look.png" -strip +dither -colors 256 -define png:compression-level=9 "$file"
  echo "${file##*/}"
}

# The theme by its button, where the window cannot begin anew: it has three, of which two look alike.
turn_theme() { # dark or light
  local light
  for _ in 1 2 3; do
    light=$(import -window "$WINDOW" -crop 1x1+600+5 +repage -colorspace gray -format '%[fx:mean>0.5]' info:)
    [ "$light" = "$([ "$1" = light ] && echo 1 || echo 0)" ] && break
    # shellcheck disable=SC2086
    click $THEME_BUTTON
  done
  THEME=$1
}

# What a window manager says to a window whose cross was pressed. Older versions of xdotool cannot.
ask_to_close() {
  xdotool windowquit "$WINDOW" 2> /dev/null && return
  python3 - "$WINDOW" << 'PYTHON'
import ctypes, sys

class Message(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("send_event", ctypes.c_int),
                ("display", ctypes.c_void_p), ("window", ctypes.c_ulong), ("message_type", ctypes.c_ulong),
                ("format", ctypes.c_int), ("data", ctypes.c_long * 5), ("rest", ctypes.c_long * 24)]

x = ctypes.CDLL("libX11.so.6")
x.XOpenDisplay.restype = ctypes.c_void_p
x.XInternAtom.restype = ctypes.c_ulong
x.XInternAtom.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
x.XSendEvent.argtypes = [ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int, ctypes.c_long, ctypes.c_void_p]
x.XCloseDisplay.argtypes = [ctypes.c_void_p]
display = x.XOpenDisplay(None)
atom = lambda name: x.XInternAtom(display, name, 0)
window, client_message = int(sys.argv[1]), 33
message = Message(type=client_message, window=window, message_type=atom(b"WM_PROTOCOLS"), format=32)
message.data[0] = atom(b"WM_DELETE_WINDOW")
x.XSendEvent(display, window, 0, 0, ctypes.byref(message))
x.XCloseDisplay(display)
PYTHON
}

at() { # PLACE [SECONDS]: clicks on one of the places above
  local x y
  read -r x y <<< "$1"
  click "$x" "$y" "${2:-0.8}"
}

scroll() { # BUTTON TIMES: turns the wheel over the set-up; 5 is down, 4 is up
  # shellcheck disable=SC2086
  xdotool mousemove $SETUP_MIDDLE click --repeat "$2" --delay 60 "$1"
  park
  sleep 1.5
}

fold() { for head in "$@"; do at "$head"; done; }

SMALL=1280x800 LARGE=2560x1440
DEMO="cells-seed-1"

# --- Scenes ------------------------------------------------------------------------------------------------------------------

# The window before the first run, with the demo set.
scene_start() {
  setup --data demo
  open_ "$WORK/empty" Dark page:Run $SMALL; sleep 8; pic start; close_
  open_ "$WORK/empty" Light page:Run $SMALL; sleep 8; pic start; close_
  open_ "$WORK/empty" Dark page:Run $LARGE; sleep 8; pic start; close_
}

# Sections of the set-up, and what it has otherwise than a session.
scene_setup() {
  setup --data demo
  local theme
  for theme in Dark Light; do
    open_ "$WORK/empty" $theme page:Run $SMALL
    sleep 6
    # Both networks, as far as they go on the screen.
    fold "$DATA_HEAD"
    scroll 5 3; pic setup-networks; scroll 4 20
    # Each section from its head on.
    fold "$GENERATOR_HEAD" "$DISCRIMINATOR_HEAD"
    scroll 5 4; pic setup-loss; scroll 4 20
    fold "$LOSS_HEAD"
    at "$OPTIMIZER_HEAD"
    scroll 5 5; pic setup-optimizer
    close_
  done
  open_ "$WORK" Light page:Run $SMALL
  sleep 4
  at "$COMPARE_WITH" 2; at "$COMPARE_CHOICE"; at "$COMPARE_SESSION" 2
  pic setup-compare
  close_
}

# What is in the data.
scene_data() {
  setup "${SETTINGS[@]}" --steps 2000
  local theme
  for theme in Dark Light; do
    open_ "$WORK/empty" $theme page:Data $SMALL; sleep 5; pic data; close_
  done
}

# A stored run on the Run page: as it is, what its losses mean, the nearest real images and some of each class.
scene_run() {
  setup "${SETTINGS[@]}" --steps 2000
  local theme
  for theme in Dark Light; do
    open_ "$WORK" $theme page:Run $SMALL "sessions/$DEMO"
    pic run
    key r 2; pic run-real; key r
    if [ $theme = Light ]; then key m 2; pic run-meaning; fi
    close_
  done
  open_ "$WORK" Dark "page:Run,samples:(nearest:true)" $SMALL "sessions/$DEMO"; sleep 2; pic run-nearest; close_
  open_ "$WORK" Dark page:Run $LARGE "sessions/$DEMO"; sleep 2; pic run; close_
}

# Pages that only show: details, log and sessions, the sheet of keys, the export.
scene_pages() {
  setup "${SETTINGS[@]}" --steps 2000
  local theme
  for theme in Dark Light; do
    open_ "$WORK" $theme page:Run $SMALL "sessions/$DEMO"
    key ctrl+3 2; pic details
    key ctrl+4 2; pic log
    key ctrl+7 2; pic sessions
    key ctrl+1; key F1; pic shortcuts; key Escape
    if [ $theme = Light ]; then key ctrl+e 2; pic export; key Escape; fi
    close_
  done
  open_ "$WORK" Dark page:Run $LARGE "sessions/$DEMO"; key ctrl+3 3; pic details; close_
  open_ "$WORK" Light page:Run $LARGE; key ctrl+7 3; pic sessions; close_
}

# The four ways through the noise of a generator.
scene_explore() {
  setup "${SETTINGS[@]}" --steps 2000
  local theme tab name place
  for theme in Dark Light; do
    open_ "$WORK" $theme page:Run $SMALL "sessions/$DEMO"
    key ctrl+5 3
    for tab in "${EXPLORE_TABS[@]}"; do
      read -r name place <<< "$tab"
      at "$place" 4; pic "explore-$name"
    done
    close_
  done
}

# The blind test: before, a question, and a result of answers that nobody has thought about.
scene_quiz() {
  setup "${SETTINGS[@]}" --steps 2000
  open_ "$WORK" Dark page:Run $SMALL "sessions/$DEMO"
  key ctrl+6 2; pic quiz
  at "$QUIZ_BEGIN" 4; pic quiz-question
  close_
  open_ "$WORK" Light page:Run $SMALL "sessions/$DEMO"
  key ctrl+6 2; at "$QUIZ_BEGIN" 4; pic quiz-question
  local answers="LRRLLRLRRRLLRLRLLLRRLRLLRRLRLLRLRRLLRLRL" i
  for ((i = 0; i < ${#answers}; i++)); do
    case ${answers:i:1} in L) key Left 0.35 ;; R) key Right 0.35 ;; esac
  done
  # The line that says where the answers are kept goes by.
  sleep 8; pic quiz-result
  close_
}

# Three runs beside each other: curves, scores and grids.
scene_compare() {
  setup "${SETTINGS[@]}" --steps 2000
  compare_ Dark Curves $SMALL compare
  compare_ Light Curves $SMALL compare
  compare_ Light Curves $LARGE compare
  compare_ Light Scores $SMALL compare-scores
  compare_ Light Grids $SMALL compare-grids
}
compare_() { # THEME TAB SIZE NAME
  local box
  open_ "$WORK" "$1" "page:Run,compare:(tab:$2)" "$3"
  key ctrl+8 2
  for box in "${RUN_BOXES[@]}"; do at "$box" 0.4; done
  sleep 4; pic "$4"
  close_
}

# Three seeds that wait in the queue, which is paused so that none begins.
scene_queue() {
  setup "${SETTINGS[@]}" --steps 2000
  local theme
  for theme in Dark Light; do
    open_ "$WORK" $theme page:Run $SMALL
    key ctrl+9 2
    at "$QUEUE_PAUSE"
    at "$QUEUE_SEEDS"; key ctrl+a 0.3; xdotool type 1-3; sleep 0.5
    at "$QUEUE_SETTINGS"; xdotool type loss.kind=bce; sleep 0.5
    at "$QUEUE_ADD" 3
    pic queue
    close_
  done
}

# Waits for what the live run has to tell, and for the window to show it.
told() {
  local waited=0
  until grep -qsF "$1" "$WORK"/live/sessions/*/events.jsonl; do
    sleep 1
    waited=$((waited + 1))
    [ $waited -lt 600 ] || { echo "the run has not told $1 in ten minutes" >&2; exit 1; }
  done
  sleep 2
}

# A run that goes on: itself, a changed rate that waits, steps of one network alone, the question of the closing window, and
# the stopped run.
scene_live() {
  setup "${SETTINGS[@]}" --steps 2000
  rm -rf "$WORK/live"
  mkdir -p "$WORK/live/sessions"
  open_ "$WORK/live" Dark page:Run $SMALL
  key ctrl+t
  told '"event":"scored","step":500,'
  sleep 5
  pic run-live
  turn_theme light; pic run-live
  fold "$DATA_HEAD" "$GENERATOR_HEAD" "$DISCRIMINATOR_HEAD" "$LOSS_HEAD"
  at "$OPTIMIZER_HEAD"
  turn_theme dark
  at "$GENERATOR_RATE"; key ctrl+a 0.3; xdotool type 0.0002; key Return 1.5
  pic run-edit
  key ctrl+z
  # D alone, then G alone: marks in the charts say which steps were which.
  key ctrl+p; told '"event":"paused"'
  at "$D_ONLY" 1.5; for _ in {1..20}; do key n 0.5; done
  at "$G_ONLY" 1.5; for _ in {1..10}; do key n 0.5; done
  sleep 6; pic run-steps
  key ctrl+p 4
  turn_theme light
  ask_to_close; sleep 1.5; pic closing
  key Escape; key ctrl+period; told '"event":"stopped"'
  sleep 4
  pic run-stopped
  close_
}

for scene in $SCENES; do "scene_$scene"; done
du -ch "$PICTURES"/*.png | tail -1
