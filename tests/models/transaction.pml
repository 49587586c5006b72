/* The parent's transaction engine: start, reload, restart, with a failure or SIGKILL anywhere.
 *
 * Names here                  in the design
 *   Parent()                  the parent, in any image; `old_image`, `new_image`: the version it runs.
 *                             A label of it is a step of the transaction (probe, bind, spawn, ...).
 *   gen[g]                    the rooms of one generation, as one: `paused` said Ready or soon will;
 *     accepting               got Go, says Serving; `draining` got Drain; `down` was killed, the
 *                             parent starts it again from its own image; `gone` holds nothing
 *     orphan                  its parent is dead: accepts until its lease ends
 *   Rehearsal()               the child that runs the new image up to Ready, and its rooms
 *   Admin(r)                  mtactl: one request; its verdict comes from the parent alone. The end
 *                             of the parent ends the client's connection: `unknown`, which counts
 *                             as its one verdict.
 *   queue                     bit r: request r was read by the parent and has no verdict yet
 *   sealed_*                  what the sealed state carries over an exec
 *   instance_lock             held by the parent and by each fork of it that has not closed it
 *
 * A request changes smtpd.conf before it is sent, so that "verdict ok" can be checked to mean that
 * at least this configuration is served. Time is not modelled: a deadline may pass at any moment,
 * but a lease does not end before the supervisor's new parent serves. Budgets bound the failures.
 *
 * Safeguards that can be taken out (each has to lead to a violation):
 *   MUTATE_DRAIN_BEFORE_SERVING  the old generation is drained when the new one was told Go
 *   MUTATE_KILL_AFTER_GO         a new generation that fails after Go is killed, not drained
 *   MUTATE_STALE_SEAL            the exec back hands over the state that came, not the present one
 *   MUTATE_FORGET_QUEUE          waiting requests are not part of the sealed state
 *   MUTATE_REHEARSAL_OUTLIVES    the rehearsal does not die with its parent
 *   MUTATE_COALESCE              a success answers requests that came after the probe as well
 *   MUTATE_NO_ALARM              nothing ends a new image that hangs after the exec
 */
#ifndef LIMIT
#define LIMIT 2         /* generations of one parent at a time: serving, starting, draining */
#endif
#define SLOTS (LIMIT + 1)  /* orphans don't count */
#ifndef REQUESTS
#define REQUESTS 2
#endif
#ifndef FAILURES
#define FAILURES 2      /* steps that fail */
#endif
#ifndef KILLS
#define KILLS 1         /* SIGKILLs */
#endif
#define NONE 255

mtype = { gone, paused, accepting, draining, down, orphan };
mtype = { old_image, new_image };
mtype = { unasked, asked, ok, failed, unknown };
mtype = { reload, restart };

typedef Generation {
    mtype state = gone;
    mtype image = old_image;
    bool mine;       /* known to the parent that lives */
    bool sessions;   /* was told Go: strangers may talk to it */
    byte config
}
Generation gen[SLOTS];

mtype verdict[REQUESTS];
mtype kind[REQUESTS];
byte asked_config[REQUESTS];
byte queue;             /* read by the parent, no verdict yet */
byte handling = NONE;   /* the request whose transaction runs */
byte config;            /* of smtpd.conf as it stands */
byte probed;            /* the configuration that the transaction works with */

bool up;                /* the parent lives */
byte lock_holders;      /* open descriptions of the instance lock: parent 1, rehearsal 2 */
mtype image = old_image;
byte attempt;           /* 0: no exec in this transaction */
byte serving = NONE;
byte starting = NONE;
byte sealed_queue, received, sealed_handling = NONE;
bool begun;             /* the first start is done */
byte failures = FAILURES;
byte kills = KILLS;     /* SIGKILLs left, and hangs after the exec */

mtype rehearsal = gone;     /* paused: it runs; down: it hangs; ok, failed: its exit status waits */
bool rehearsal_rooms;

#define of_mine(g) (gen[g].mine)
#define is_orphan(g) (gen[g].state == orphan)
#define live(g) (gen[g].state != gone)
#define takes(g) (gen[g].state == accepting || gen[g].state == orphan)
#if LIMIT == 2
#define any(what) (what(0) || what(1) || what(2))
#define number(what) (what(0) + what(1) + what(2))
#else
#define any(what) (what(0) || what(1) || what(2) || what(3))
#define number(what) (what(0) + what(1) + what(2) + what(3))
#endif
#define mine_serving(g) (gen[g].state == accepting && gen[g].mine)
#define stray(g) (gen[g].state == paused && gen[g].mine && g != starting)
#define accepts (any(takes))
#define listening (up || any(live))

/* A new generation takes the first free number. */
inline free_number(g) {
    if
    :: gen[0].state == gone -> g = 0
    :: gen[0].state != gone && gen[1].state == gone -> g = 1
    :: gen[0].state != gone && gen[1].state != gone && gen[2].state == gone -> g = 2
#if LIMIT > 2
    :: gen[0].state != gone && gen[1].state != gone && gen[2].state != gone &&
       gen[3].state == gone -> g = 3
#endif
    fi
}

inline forget(g) {
    gen[g].state = gone; gen[g].mine = false; gen[g].sessions = false;
    gen[g].image = old_image; gen[g].config = 0
}

inline give_up_starting() {
    if
    :: starting != NONE ->
#ifndef MUTATE_KILL_AFTER_GO
        if
        :: gen[starting].sessions && gen[starting].state == accepting ->
            gen[starting].state = draining
        :: else -> forget(starting)
        fi;
#else
        assert(gen[starting].state != accepting);  /* a session that was accepted is not cut */
        forget(starting);
#endif
        starting = NONE
    :: else
    fi
}

inline answer(r, what) {
    assert(verdict[r] == asked);
    assert(what != ok || (serving != NONE && gen[serving].config >= asked_config[r]));
    assert(number(mine_serving) <= 1);
    verdict[r] = what;
    queue = queue & ~(1 << r)
}

inline finish(what) {
    /* a failure leaves the old generation as it was, and nothing of the new one that nobody ends */
    assert(serving == NONE || gen[serving].state == accepting || gen[serving].state == down);
    assert(rehearsal == gone && starting == NONE && !any(stray));
    if
    :: handling == NONE -> begun = true
    :: else ->
        answer(handling, what);
#ifdef MUTATE_COALESCE
        if
        :: what == ok && (queue & 1) -> answer(0, what)
        :: what == ok && (queue & 2) -> answer(1, what)
        :: else
        fi
#endif
    fi;
    handling = NONE; attempt = 0; probed = 0; received = 0
}

/* What the kernel does when the parent ends: clients see the end of their connections. */
inline parent_dies() {
    up = false; lock_holders = lock_holders & 2;
    i = 0;
    do
    :: i < REQUESTS ->
        if :: verdict[i] == asked && ((queue | sealed_queue) & (1 << i)) -> verdict[i] = unknown :: else fi;
        i++
    :: else -> break
    od;
    i = 0;
    do
    :: i < SLOTS ->
        gen[i].mine = false;
        if
        :: gen[i].state == paused || gen[i].state == down -> forget(i)  /* it never got Go: it ends */
        :: gen[i].state == accepting -> gen[i].state = orphan
        :: else
        fi;
        i++
    :: else -> break
    od;
    i = 0;
#ifndef MUTATE_REHEARSAL_OUTLIVES
    rehearsal = gone; rehearsal_rooms = false; lock_holders = lock_holders & 1;
#endif
    queue = 0; handling = NONE; attempt = 0; probed = 0; serving = NONE; starting = NONE;
    sealed_queue = 0; received = 0; sealed_handling = NONE; image = old_image
}

/* Each step may fail while failures are left. */
#define fails atomic { failures > 0 -> failures-- }
#define dead !up -> goto dies

proctype Parent() {
    byte g, i;

    idle:
    end_idle:
    do
    :: !up -> goto dies
    :: atomic { up && handling == NONE && begun && serving != NONE && queue != 0 ->
        if :: (queue & 1) -> handling = 0
#if REQUESTS > 1
           :: (queue & 2) -> handling = 1
#endif
#if REQUESTS > 2
           :: (queue & 4) -> handling = 2
#endif
        fi;
        attempt = 0 } ->
        if
        :: dead
        :: up && kind[handling] == reload -> goto probe
        :: up && kind[handling] == restart -> goto rehearse
        fi
    :: atomic { up && serving == NONE && handling == NONE } -> goto probe  /* start */
    od;

    /* T2 only. A pidfd and a deadline tell of the rehearsal's end. */
    rehearse:
    if
    :: dead
    :: fails -> goto refuse      /* the new executables cannot be pinned */
    :: atomic { up -> rehearsal = paused; rehearsal_rooms = false; lock_holders = lock_holders | 2 }
    fi;
    if
    :: dead
    :: atomic { up && rehearsal == ok -> rehearsal = gone }
    :: atomic { up && rehearsal == failed -> rehearsal = gone } -> goto refuse
    :: atomic { up && rehearsal == down ->   /* 10 s are over */
        rehearsal = gone; rehearsal_rooms = false; lock_holders = lock_holders & 1 } -> goto refuse
    fi;
    /* quiesce and seal: no step waits for anybody */
    if
    :: dead
    :: fails -> goto refuse      /* a peer's channel stays full, or execveat returns */
    :: atomic { up ->
        sealed_queue = queue; queue = 0; sealed_handling = handling;
        image = new_image; attempt = 1 }
    fi;
    resume:
    atomic {
        if :: !up -> goto dies :: else fi;
        handling = sealed_handling;
#ifdef MUTATE_FORGET_QUEUE
        queue = queue | (1 << sealed_handling);
#else
        queue = queue | sealed_queue;
#endif
        received = sealed_queue;
        sealed_queue = 0; sealed_handling = NONE
    };
    /* verify */
    if
    :: dead
    :: atomic { attempt == 1 && failures > 0 -> failures-- } -> goto exec_back
    :: atomic { kills > 0 -> kills-- } -> goto hang
    :: attempt == 1 && up -> goto probe
    :: attempt == 2 && up -> goto refuse
    fi;

    /* A deadline that outlives the exec ends a new image that says nothing: the supervisor's turn. */
    hang:
#ifdef MUTATE_NO_ALARM
    if :: dead fi;
#else
    atomic { if :: up -> parent_dies() :: else fi }; goto dies;
#endif

    exec_back:
    if
    :: dead
    :: atomic { up && failures > 0 -> failures-- } -> goto refuse  /* serve on with what runs */
    :: atomic { up ->
        give_up_starting();
#ifndef MUTATE_STALE_SEAL
        sealed_queue = queue;
#else
        sealed_queue = received;
#endif
        queue = 0; sealed_handling = handling;
        image = old_image; attempt = 2 } -> goto resume
    fi;

    probe:
    if
    :: dead
    :: fails -> goto roll_back
    :: atomic { up -> probed = config }
    fi;
    /* bind: here what fails changes nothing; a slot for the generation may have to be waited for */
    if
    :: dead
    :: fails -> goto roll_back
    :: atomic { up && number(of_mine) < LIMIT && number(live) < SLOTS ->
        free_number(g);
        starting = g; gen[g].state = paused; gen[g].mine = true; gen[g].image = image;
        gen[g].config = probed; g = 0 }
    fi;
    /* spawn, until all are Ready; then listen on what was added */
    if
    :: dead
    :: fails -> goto roll_back
    :: up && gen[starting].state == gone -> goto roll_back
    :: atomic { up && gen[starting].state == paused ->
        gen[starting].state = accepting; gen[starting].sessions = true;
#ifdef MUTATE_DRAIN_BEFORE_SERVING
        gen[starting].state = paused;
        if :: serving != NONE -> gen[serving].state = draining :: else fi
#endif
      }
    fi;
    /* Go is said; wait for Serving */
    if
    :: dead
    :: fails -> goto roll_back
    :: atomic { up && gen[starting].state == down } -> goto roll_back
    :: atomic { up && (gen[starting].state == accepting || gen[starting].state == paused) ->
        gen[starting].state = accepting;
        if
        :: serving != NONE && gen[serving].state == accepting -> gen[serving].state = draining
        :: serving != NONE && gen[serving].state == down -> forget(serving)
        :: else
        fi;
        serving = starting; starting = NONE;
        finish(ok) }
    fi;
    goto idle;

    roll_back:
    if
    :: dead
    :: up && attempt == 1 -> goto exec_back
    :: up && attempt != 1
    fi;
    refuse:
    atomic {
        if :: !up -> goto dies :: else fi;
        give_up_starting();
        if :: handling != NONE -> finish(failed) :: else fi;
        attempt = 0
    };
    goto idle;

    /* The supervisor starts a new one, which waits for the instance lock and takes the listeners
     * from the orphans (or the fd store). */
    dies:
    atomic { lock_holders == 0 -> up = true; lock_holders = 1; image = old_image };
    goto idle
}

/* Between the parent's steps: whoever reads its channels while a transaction runs. */
proctype House() {
    byte i;
    end:
    do
    /* a room of the serving generation was killed: again, from its own image */
    :: atomic { up && serving != NONE && gen[serving].mine && gen[serving].state == down ->
        gen[serving].state = accepting }
    od
}

proctype Rehearsal() {
    end:
    do
    :: atomic { rehearsal == paused && !rehearsal_rooms -> rehearsal_rooms = true }
    :: atomic { rehearsal == paused && rehearsal_rooms ->
        rehearsal_rooms = false; lock_holders = lock_holders & 1; rehearsal = ok }
    :: atomic { rehearsal == paused && failures > 0 ->
        failures--; rehearsal_rooms = false; lock_holders = lock_holders & 1; rehearsal = failed }
    /* it hangs: only its parent's deadline, or its parent's end, ends it */
    :: atomic { rehearsal == paused && failures > 0 -> failures--; rehearsal = down }
    od
}

/* A generation's rooms: their sessions come to an end, their lease runs out. */
proctype Rooms(byte g) {
    end:
    do
    :: atomic { gen[g].state == draining -> forget(g) }
    :: atomic { gen[g].state == orphan &&
                (number(is_orphan) > 1 || (serving != NONE && gen[serving].state == accepting)) ->
        forget(g) }
    od
}

proctype Admin(byte r) {
    atomic {
        begun -> config++; asked_config[r] = config;
        if :: kind[r] = reload :: kind[r] = restart fi;
        verdict[r] = asked
    };
    /* the parent reads it from control's channel; an orphan control has nobody to ask */
    if
    :: atomic { up -> queue = queue | (1 << r) }
    :: atomic { !up || any(is_orphan) -> verdict[r] = unknown }
    fi;
    verdict[r] != asked
}

#define can_die(g) (begun && gen[g].state != gone && gen[g].state != down)
inline room_dies(g) { if :: gen[g].state == accepting -> gen[g].state = down :: else -> forget(g) fi }

proctype Chaos() {
    byte i;
    end:
    do
    :: atomic { kills > 0 && up && begun -> kills--; parent_dies() }
    :: atomic { kills > 0 && (rehearsal == paused || rehearsal == down) ->
        kills--; rehearsal_rooms = false; lock_holders = lock_holders & 1; rehearsal = failed }
    :: atomic { kills > 0 && can_die(0) -> kills--; room_dies(0) }
    :: atomic { kills > 0 && can_die(1) -> kills--; room_dies(1) }
    :: atomic { kills > 0 && can_die(2) -> kills--; room_dies(2) }
#if LIMIT > 2
    :: atomic { kills > 0 && can_die(3) -> kills--; room_dies(3) }
#endif
    od
}

init {
    byte i;
    atomic {
        do :: i < REQUESTS -> verdict[i] = unasked; i++ :: else -> break od;
        i = 0;
        do :: i < SLOTS -> forget(i); run Rooms(i); i++ :: else -> break od;
        i = 0;
        up = true; lock_holders = 1;
        run Parent(); run House(); run Rehearsal(); run Chaos();
        do :: i < REQUESTS -> run Admin(i); i++ :: else -> break od;
        i = 0
    }
}

#define unanswered(r) (verdict[r] == asked || verdict[r] == unasked)
/* The listening sockets stay open, and without a SIGKILL some generation accepts at every moment. */
#define no_gap (!begun || (listening && (kills < KILLS || accepts)))
#define at_rest (up && accepts && number(live) == 1 && rehearsal == gone && starting == NONE && \
                 !unanswered(0) && !unanswered(REQUESTS - 1))
ltl open_always { [] no_gap }
ltl ends_well { <> [] at_rest }
