package slack

import (
	"strconv"
)

// userInfo is users.info.
func (s *Server) userInfo(args arguments) (reply, *failure) {
	u, found := s.workspace.people.user(args.text("user"))
	if !found {
		return nil, &failure{code: "user_not_found"}
	}
	return reply{"user": userJSON(u)}, nil
}

// lookupByEmail is users.lookupByEmail.
func (s *Server) lookupByEmail(args arguments) (reply, *failure) {
	email := args.text("email")
	u, found := s.workspace.people.where(func(u User) bool { return email != "" && u.Email == email })
	if !found {
		return nil, &failure{code: "users_not_found"}
	}
	return reply{"user": userJSON(u)}, nil
}

// listUsers is users.list: the bot is one of them.
func (s *Server) listUsers(args arguments) (reply, *failure) {
	all := append([]User{s.workspace.people.bot()}, s.workspace.people.all()...)
	from, to, next, failed := pageOf(args, len(all))
	if failed != nil {
		return nil, failed
	}
	page := make([]reply, 0, to-from)
	for _, u := range all[from:to] {
		page = append(page, userJSON(u))
	}
	return reply{"members": page, "response_metadata": reply{"next_cursor": next}}, nil
}

// pageOf reads limit and cursor, and says which of n entries to show and how to ask for the rest.
func pageOf(args arguments, n int) (from, to int, next string, failed *failure) {
	limit, failed := args.number("limit", 100, 1000)
	if failed != nil {
		return 0, 0, "", failed
	}
	if cursor := args.text("cursor"); cursor != "" {
		at, err := strconv.Atoi(readCursor(cursor, "offset:"))
		if err != nil || at < 0 {
			return 0, 0, "", &failure{code: "invalid_cursor"}
		}
		from = at
	}
	from = min(from, n)
	to = min(from+limit, n)
	if to < n {
		next = makeCursor("offset:", strconv.Itoa(to))
	}
	return from, to, next, nil
}

func userJSON(u User) reply {
	return reply{
		"id": u.ID, "team_id": teamID, "name": u.Name, "real_name": u.RealName, "deleted": false,
		"is_bot": u.ID == botUserID, "tz": "Etc/UTC",
		"profile": reply{"real_name": u.RealName, "display_name": u.Name, "email": u.Email},
	}
}
