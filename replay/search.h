/*
 * Searching the past; shared by reverse.c and query.c.
 */
#ifndef REPLAY_SEARCH_H
#define REPLAY_SEARCH_H

#include "hits.h"
#include "travel.h"

/* Fills the list until it has a hit of the points that are set in the CPUs
 * before `before`, or reaches the start of history. Leaves the machine
 * somewhere in the past. */
TravelEnd search_back(Travel *t, HitList *list, Icount before, Error **errp);

#endif
