/* A team of threads that runs one function together, and meets at barriers. */
#ifndef TEAM_H
#define TEAM_H

struct team;

enum { MOST_MEMBERS = 64 };

struct member {
    struct team *team;
    int me, members; /* me is in 0 ... members - 1 */
};

/* Run work(argument, member) once in each of up to `members` threads, the caller's among them;
   fewer where they can't be had or another call keeps them. `work` learns how many there are. */
void team_run(int members, void (*work)(void *argument, struct member), void *argument);

/* Wait until all members have come here. What one wrote before, all can read after. */
void team_meet(struct member);

#endif
