/* Who may attempt a delivery: several qmgrs and one spool lock, with a crash anywhere.
 *
 * Names here                  in the design
 *   Qmgr(i)                   one qmgr process. A generation's first one, or its replacement: an
 *                             instance is never used again. Its states:
 *     paused                  said Ready; serving: got Go, commits; scheduling: has the spool lock
 *     released                got Drain: schedules no more, commits and settles what it has in hand
 *     orphan_holding, orphan  its parent is gone: finishes its attempts, then gives the lock back
 *   process[i]                the agents of qmgr i, started by the parent while that lives
 *   word, fresh               the parent's word to schedule; fresh: a parent that is not the one
 *                             which started all agents, so their lock has to be free as well
 *   lock                      flock on SPOOL/lock; freed by the kernel when its holder dies
 *   no_agents()               an exclusive flock on the agents' lock: each agent holds it shared,
 *                             on an open file of its own, for as long as its process lives. (An
 *                             agent that is stuck is waited for a minute; that is not modelled.)
 *   held[j] (Parent)          the ids of j's Released that j has not settled yet
 *   file, log, seen           a message in queue/; its log names the recipient as delivered;
 *                             its line in seen/
 *   known                     the scheduler's index, filled by its scan and by its watch on queue/
 *   Agent(i, m)               the mda or relay that attempts message m for qmgr i
 *
 * Messages have one recipient. Time is not modelled: a deadline may pass at any moment. A budget
 * of `events` restarts and crashes bounds the run; for each there is a spare instance, so that
 * what is promised "when crashes stop" can be asked for.
 *
 * Safeguards that can be taken out (each has to lead to a violation):
 *   MUTATE_UNLOCK_BEFORE_HELD  the new qmgr may schedule before it knows what the old one has in hand
 *   MUTATE_NO_AGENTS_LOCK      a new parent does not ask whether agents live
 *   MUTATE_BRIEF_AGENTS_LOCK   ... or they hold their lock only while they deliver
 *   MUTATE_NO_REAP             ids are freed though agents of the dead qmgr still write
 *   MUTATE_WATCH_ENDS          the scheduler watches queue/ only until nobody else commits
 *   MUTATE_STALE_LOG           the log of a freed message is not read again
 */
#ifndef INSTANCES
#define INSTANCES 3
#endif
#ifndef MESSAGES
#define MESSAGES 1
#endif
#define NOBODY INSTANCES
#define EVENTS (INSTANCES - 1)
#ifndef AGENT_CRASHES
#define AGENT_CRASHES 1
#endif
#ifndef RESUBMISSIONS
#define RESUBMISSIONS 1
#endif

mtype = { none, paused, serving, scheduling, released, orphan_holding, orphan, dead };
mtype = { idle, working, wrote, told, told_retry, broken };

typedef Instance {
    mtype state = none;
    bool mine;          /* of the parent that lives */
    bool word;          /* parent -> qmgr: schedule */
    bool drain;         /* parent -> qmgr */
    bool released_sent; /* qmgr -> parent */
    bool scanned;
    bool watching;
    byte hold;          /* sets of messages are bit masks */
    byte known;
    byte repeated;
    byte stale;         /* only with MUTATE_STALE_LOG: looked pending in the scan */
    byte settled        /* qmgr -> parent */
}

typedef Attempts { mtype at[MESSAGES]; bool repeated[MESSAGES] }

Instance q[INSTANCES];
Attempts agent[INSTANCES];
bool process[INSTANCES];
byte lock = NOBODY;

bool file[MESSAGES];
bool log[MESSAGES];
bool seen[MESSAGES];
bool recorded[MESSAGES]; /* for the properties: a success was once on disk */
bool copies[MESSAGES];   /* for the properties: it lies in the mailbox */

byte events = EVENTS;
byte agent_crashes = AGENT_CRASHES;
byte started;            /* instances used so far */

bool parent_up = true;
bool fresh;
byte current = NOBODY;
byte next = NOBODY;
byte held[INSTANCES];

#define bit(m) (1 << (m))
#define alive(i) (q[i].state != none && q[i].state != dead)
#define commits(i) (alive(i) && q[i].state != paused)
#define under_way(i, m) (agent[i].at[m] == working || agent[i].at[m] == wrote)
#define spare (started + events < INSTANCES)

#if MESSAGES == 1
#define in_hand(i) ((agent[i].at[0] != idle) * 1)
#define busy(i) (under_way(i, 0))
#else
#define in_hand(i) ((agent[i].at[0] != idle) * 1 + (agent[i].at[1] != idle) * 2)
#define busy(i) (under_way(i, 0) || under_way(i, 1))
#endif
#if INSTANCES == 3
#define no_processes (!process[0] && !process[1] && !process[2])
#define nobody_busy (!busy(0) && !busy(1) && !busy(2))
#define attempts(m) (under_way(0, m) + under_way(1, m) + under_way(2, m))
#define schedulers ((q[0].state == scheduling) + (q[1].state == scheduling) + (q[2].state == scheduling))
#else
#define no_processes (!process[0] && !process[1] && !process[2] && !process[3])
#define nobody_busy (!busy(0) && !busy(1) && !busy(2) && !busy(3))
#define attempts(m) (under_way(0, m) + under_way(1, m) + under_way(2, m) + under_way(3, m))
#define schedulers ((q[0].state == scheduling) + (q[1].state == scheduling) + \
                    (q[2].state == scheduling) + (q[3].state == scheduling))
#endif

/* The kernel's part in a process's end: locks are freed, channels end. */
inline ends(i) {
    if :: lock == i -> lock = NOBODY :: else fi;
    k = 0;
    do
    :: k < MESSAGES ->
        if
        :: agent[i].at[k] == told || agent[i].at[k] == told_retry || agent[i].at[k] == broken ->
            agent[i].at[k] = idle
        :: else
        fi;
        k++
    :: else -> break
    od;
    k = 0;
    q[i].state = dead;
    q[i].known = 0; q[i].hold = 0; q[i].repeated = 0; q[i].stale = 0; q[i].drain = false;
    q[i].watching = false; q[i].scanned = false; q[i].word = false
}

#define may_take(i, m) (q[i].state == scheduling && (q[i].known & ~q[i].hold & bit(m)) && \
                        agent[i].at[m] == idle && (process[i] || q[i].mine))
#define no_verdict(i, m) (agent[i].at[m] == broken || agent[i].at[m] == told_retry)

#if defined(MUTATE_NO_AGENTS_LOCK)
#define no_agents() (true)
#elif defined(MUTATE_BRIEF_AGENTS_LOCK)
#define no_agents() (nobody_busy)
#else
#define no_agents() (no_processes)
#endif

inline unlink(m) { file[m] = false; log[m] = false }

inline settle(i, m) {
    agent[i].at[m] = idle;
    if
    :: q[i].mine && q[i].state == released -> q[i].settled = q[i].settled | bit(m)
    :: else
    fi
}

inline record(i, m) {
    log[m] = true; recorded[m] = true;
    q[i].stale = q[i].stale & ~bit(m);
    settle(i, m)
}

inline try_later(i, m) { q[i].repeated = q[i].repeated | bit(m); settle(i, m) }

inline attempt(i, m) {
    agent[i].repeated[m] = (q[i].repeated & bit(m)) != 0;
    agent[i].at[m] = working;
    process[i] = true;
    assert(attempts(m) == 1);  /* never two attempts at one message */
    assert(!recorded[m])       /* what is recorded is not attempted */
}

#ifdef MUTATE_STALE_LOG
#define done(i, m) (log[m] && !(q[i].stale & bit(m)))
#else
#define done(i, m) (log[m])
#endif

/* One message of the scheduler's index. Loading it reads its log and seen/. */
inline take(i, m) {
    if
    :: !file[m] -> q[i].known = q[i].known & ~bit(m)
    :: file[m] && done(i, m) -> seen[m] = true  /* unlinked by a later step */
    :: file[m] && !done(i, m) -> attempt(i, m)
    fi
}

inline scan(i) {
    k = 0;
    do
    :: k < MESSAGES ->
        if
        :: file[k] && !(q[i].known & bit(k)) ->
            q[i].known = q[i].known | bit(k);
            q[i].repeated = q[i].repeated | bit(k);
#ifdef MUTATE_STALE_LOG
            if :: !log[k] && !seen[k] -> q[i].stale = q[i].stale | bit(k) :: else fi
#endif
        :: else
        fi;
        k++
    :: else -> break
    od;
    k = 0;
    q[i].scanned = true
}

proctype Qmgr(byte i) {
    byte m, k;
    end:
    do
    /* The parent is gone. */
    :: atomic { alive(i) && !q[i].mine && q[i].state == paused -> ends(i) }
    :: atomic { !q[i].mine && q[i].state == scheduling -> q[i].state = orphan_holding }
    :: atomic { process[i] && !busy(i) -> process[i] = false }  /* it has nothing to do */
    :: atomic { !q[i].mine && (q[i].state == serving || q[i].state == released) ->
        q[i].state = orphan }
    :: atomic { q[i].state == orphan_holding && in_hand(i) == 0 ->
        lock = NOBODY; q[i].state = orphan }
    :: atomic { q[i].state == orphan && in_hand(i) == 0 -> ends(i) }  /* its lease is over */

    /* Becoming the scheduler. The watch stands before the scan begins. */
    :: atomic { q[i].mine && q[i].state == serving && q[i].word && lock == NOBODY ->
        lock = i; q[i].state = scheduling; q[i].watching = true }
    :: atomic { q[i].state == scheduling && !q[i].scanned -> scan(i);
#ifdef MUTATE_WATCH_ENDS
        q[i].watching = false
#endif
      }

    /* Attempts and their verdicts, one message after the other. */
    :: atomic { may_take(i, 0) && !q[i].drain && !(seen[0] && file[0]) -> take(i, 0) }
    :: atomic { may_take(i, 0) && seen[0] && file[0] -> unlink(0) }
    :: atomic { commits(i) && agent[i].at[0] == told -> record(i, 0) }
    :: atomic { commits(i) && no_verdict(i, 0) -> try_later(i, 0) }
#if MESSAGES > 1
    :: atomic { may_take(i, 1) && !q[i].drain && !(seen[1] && file[1]) -> take(i, 1) }
    :: atomic { may_take(i, 1) && seen[1] && file[1] -> unlink(1) }
    :: atomic { commits(i) && agent[i].at[1] == told -> record(i, 1) }
    :: atomic { commits(i) && no_verdict(i, 1) -> try_later(i, 1) }
#endif

    /* Drain: the ids in hand are told before the lock is given up. */
    :: atomic { q[i].mine && q[i].drain && !q[i].released_sent &&
                (q[i].state == scheduling || q[i].state == serving) ->
        q[i].released_sent = true; held[i] = in_hand(i) }
    :: atomic { q[i].mine && q[i].released_sent && (q[i].state == scheduling || q[i].state == serving) ->
        if :: lock == i -> lock = NOBODY :: else fi;
        q[i].state = released;
        /* A verdict that came in between was told with the ids; its Settled follows. */
        q[i].settled = held[i] & ~in_hand(i) }
    :: atomic { q[i].mine && q[i].state == released && in_hand(i) == 0 && q[i].settled == 0 ->
        ends(i) }  /* its last session has ended */
    od
}

/* A death of its qmgr does not end what it is writing. */
proctype Agent(byte i, m) {
    end:
    do
    :: atomic { agent[i].at[m] == working ->
        assert(!copies[m] || agent[i].repeated[m]);  /* a second copy in the mailbox */
        copies[m] = true; agent[i].at[m] = wrote }
    :: atomic { agent[i].at[m] == wrote -> agent[i].at[m] = (alive(i) -> told : idle) }
    :: atomic { under_way(i, m) && agent_crashes > 0 ->  /* SIGKILL, or a verdict "later" */
        agent_crashes--;
        if
        :: !alive(i) -> agent[i].at[m] = idle
        :: alive(i) -> agent[i].at[m] = broken
        :: alive(i) && agent[i].at[m] == working -> agent[i].at[m] = told_retry
        fi }
    od
}

inline committed_by(i, m) {
    file[m] = true;
    k = 0;
    do
    :: k < INSTANCES ->
        if
        :: q[k].state == scheduling && (k == i || q[k].watching) -> q[k].known = q[k].known | bit(m)
        :: else
        fi;
        k++
    :: else -> break
    od;
    k = 0
}

/* Submits, and perhaps once more with the same id because the answer was lost. */
proctype Client(byte m) {
    byte i, k, again = RESUBMISSIONS;
    bool finished;
    submit:
    if
    :: atomic { commits(0) -> i = 0; finished = seen[m] }
    :: atomic { commits(1) -> i = 1; finished = seen[m] }
    :: atomic { commits(2) -> i = 2; finished = seen[m] }
#if INSTANCES > 3
    :: atomic { commits(3) -> i = 3; finished = seen[m] }
#endif
    fi;
    if
    :: finished -> goto answered
    :: atomic { !finished && commits(i) -> if :: file[m] :: else -> committed_by(i, m) fi }
    :: !finished && !commits(i) -> goto submit
    fi;
    if
    :: atomic { commits(i) -> if :: seen[m] && file[m] -> unlink(m) :: else fi }
    :: !commits(i)
    fi;
    answered:
    if
    :: again > 0 -> again--; goto submit
    :: true
    fi
}

#ifdef MUTATE_NO_REAP
#define reaped(j) (q[j].state == dead)
#else
#define reaped(j) (q[j].state == dead && !busy(j))
#endif
#define told_settled(j) (q[j].mine && q[j].settled && q[j].state == released)
#ifdef MUTATE_UNLOCK_BEFORE_HELD
#define out_of_the_way(j) (q[j].state == none || !q[j].mine || (j) == current || (j) == next || \
                           q[j].drain || reaped(j))
#else
#define out_of_the_way(j) (q[j].state == none || !q[j].mine || (j) == current || (j) == next || \
                           (q[j].released_sent && q[j].state != dead) || reaped(j))
#endif
#if INSTANCES == 3
#define way_is_free (out_of_the_way(0) && out_of_the_way(1) && out_of_the_way(2))
#define all_held (held[0] | held[1] | held[2])
#else
#define way_is_free (out_of_the_way(0) && out_of_the_way(1) && out_of_the_way(2) && out_of_the_way(3))
#define all_held (held[0] | held[1] | held[2] | held[3])
#endif

inline start(who) {
    who = started;
    q[who].state = paused;
    q[who].mine = true;
    run Qmgr(who);
    started++
}

/* j has settled these ids, or died and its agents are reaped. */
inline free(j, ids) {
    freed = ids;
    held[j] = held[j] & ~freed;
    q[j].settled = 0;
    if
    :: current != NOBODY ->
        if
        :: q[current].word -> q[current].hold = q[current].hold & (~freed | all_held);
        :: else
        fi
    :: else
    fi;
    freed = 0
}

proctype Parent() {
    byte freed;
    end:
    do
    :: atomic { !parent_up -> parent_up = true; fresh = true }
    :: atomic { parent_up && current == NOBODY && next == NOBODY -> start(next) }
    :: atomic { parent_up && next != NOBODY && q[next].state == paused -> q[next].state = serving }
    :: atomic { parent_up && next != NOBODY && q[next].state == dead -> next = NOBODY }
    :: atomic { parent_up && next != NOBODY && q[next].state == serving ->
        if :: current != NOBODY -> q[current].drain = true :: else fi;
        current = next; next = NOBODY }
    :: atomic { parent_up && next == NOBODY && current != NOBODY && q[current].state == dead ->
        current = NOBODY }
    :: atomic { parent_up && next == NOBODY && current != NOBODY && events > 0 ->
        events--; start(next) }  /* a restart */
    :: atomic { parent_up && current != NOBODY && q[current].state == serving && !q[current].word &&
                way_is_free && (!fresh || no_agents()) ->
        fresh = false;
        q[current].hold = all_held; q[current].word = true }
    /* News of those that drain. */
    :: atomic { parent_up && told_settled(0) -> free(0, q[0].settled) }
    :: atomic { parent_up && told_settled(1) -> free(1, q[1].settled) }
    :: atomic { parent_up && told_settled(2) -> free(2, q[2].settled) }
    :: atomic { parent_up && q[0].mine && held[0] && reaped(0) -> free(0, held[0]) }
    :: atomic { parent_up && q[1].mine && held[1] && reaped(1) -> free(1, held[1]) }
    :: atomic { parent_up && q[2].mine && held[2] && reaped(2) -> free(2, held[2]) }
#if INSTANCES > 3
    :: atomic { parent_up && told_settled(3) -> free(3, q[3].settled) }
    :: atomic { parent_up && q[3].mine && held[3] && reaped(3) -> free(3, held[3]) }
#endif
    od
}

/* SIGKILL of a qmgr, or of the parent and its knowledge. */
proctype Chaos() {
    byte k;
    end:
    do
    :: atomic { events > 0 && alive(0) -> events--; ends(0) }
    :: atomic { events > 0 && alive(1) -> events--; ends(1) }
    :: atomic { events > 0 && alive(2) -> events--; ends(2) }
    :: atomic { events > 0 && parent_up && started > 0 ->
        events--; parent_up = false; current = NOBODY; next = NOBODY;
        k = 0;
        do
        :: k < INSTANCES ->
            q[k].mine = false; q[k].word = false; q[k].drain = false; held[k] = 0;
            q[k].settled = 0; q[k].released_sent = false;
            k++
        :: else -> break
        od;
        k = 0 }
    od
}

init {
    byte i, m;
    atomic {
        do
        :: i < INSTANCES ->
            q[i].state = none;
            m = 0;
            do
            :: m < MESSAGES -> agent[i].at[m] = idle; run Agent(i, m); m++
            :: else -> break
            od;
            i++
        :: else -> break
        od;
        m = 0;
        do
        :: m < MESSAGES -> run Client(m); m++
        :: else -> break
        od;
        run Parent();
        run Chaos()
    }
}

#define one_scheduler (schedulers <= 1)
ltl never_two { [] one_scheduler }
ltl ends_well { [] (file[0] -> <> !file[0]) }
