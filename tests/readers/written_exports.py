"""Invented exports, true to the schemas of ticket, chat, e-mail and research formats."""

from __future__ import annotations

import json


def comment(identity, author, html, at, public=True, **more):
    body = html.replace("<p>", "").replace("</p>", "")
    return {
        "id": identity,
        "type": "Comment",
        "author_id": author,
        "body": body,
        "html_body": f'<div class="zd-comment" dir="auto">{html}</div>',
        "plain_body": body,
        "public": public,
        "created_at": f"2024-05-01T{at}Z",
        "via": {"channel": "email", "source": {"from": {}, "to": {}, "rel": None}},
        **more,
    }


COMMENTS = [
    comment(1, 500, "<p>My lamp &amp; shade broke.</p>", "09:00:00"),
    comment(2, 900, "<p>He is a VIP, be quick.</p>", "09:05:00", public=False),
    comment(
        3,
        901,
        "<p>Sorry, I send a new one.</p><p>-- <br>Dana</p><blockquote>My lamp broke.</blockquote>",
        "09:30:00",
    ),
    comment(
        4,
        -1,
        "<p>Your ticket was updated.</p>",
        "09:30:01",
        via={"channel": "rule", "source": {"rel": "trigger"}},
    ),
]
USERS = [
    {"id": 500, "role": "end-user", "name": "Cy Stone"},
    {"id": 900, "role": "admin", "name": "Ann Lee"},
    {"id": 901, "role": "agent", "name": "Dana Reyes"},
]
ZENDESK_COMMENTS = {"comments": COMMENTS, "users": USERS, "next_page": None, "count": 4}
ZENDESK_TICKETS = {
    "tickets": [
        {"id": 7, "requester_id": 500, "assignee_id": 901, "subject": "Lamp", "comments": COMMENTS[:3]},
        {"id": 8, "requester_id": 500, "assignee_id": None, "comments": COMMENTS[:1]},
    ],
    "end_time": 1714550000,
}


def audit(identity, ticket, author, at, *events):
    shared = {"id": identity, "ticket_id": ticket, "author_id": author, "created_at": f"2024-05-01T{at}Z"}
    return {**shared, "events": list(events), "via": {"channel": "web", "source": {"rel": None}}}


def _said(text, author, public=True):
    html = f"<p>{text}</p>"
    return {
        "id": 1,
        "type": "Comment",
        "author_id": author,
        "body": text,
        "html_body": html,
        "public": public,
    }


ZENDESK_AUDITS = {
    "audits": [
        audit(
            1,
            7,
            500,
            "09:00:00",
            _said("It broke.", 500),
            {"id": 2, "type": "Create", "field_name": "requester_id", "value": "500"},
            {"id": 3, "type": "Create", "field_name": "assignee_id", "value": "901"},
        ),
        audit(
            2,
            8,
            501,
            "09:01:00",
            _said("Hello?", 501),
            {"id": 4, "type": "Create", "field_name": "subject", "value": "x"},
        ),
        audit(
            3,
            7,
            901,
            "10:00:00",
            _said("A new one is on its way.", 901),
            {"id": 5, "type": "Change", "field_name": "status", "value": "solved", "previous_value": "open"},
        ),
    ],
    "meta": {"has_more": False},
}
ZENDESK_EVENTS = {
    "ticket_events": [
        {
            "id": 1,
            "ticket_id": 9,
            "timestamp": 1714550000,
            "updater_id": 500,
            "child_events": [{"event_type": "Comment", "body": "Hi there", "author_id": 500, "public": True}],
        },
        {
            "id": 2,
            "ticket_id": 9,
            "timestamp": 1714550060,
            "updater_id": 901,
            "child_events": [{"event_type": "Change", "status": "open"}],
        },
    ],
    "users": USERS,
    "end_of_stream": True,
}


def _event(kind, name, second, **more):
    return {"type": kind, "name": name, "timestamp": f"2024-05-01T09:00:{second:02}.250000Z", **more}


ZENDESK_CHAT = {
    "type": "chat",
    "id": "2405.1.Ab",
    "timestamp": "2024-05-01T09:00:00Z",
    "visitor": {"id": "v", "name": "Visitor 1"},
    "agent_names": ["Dana", "Lee"],
    "agent_ids": ["1", "2"],
    "rating": "good",
    "comment": "Fast!",
    "department_name": "Sales",
    "history": [
        _event("chat.memberjoin", "Visitor 1", 0),
        _event("chat.msg", "Welcome Bot", 1, msg="Hello, a person will come."),
        _event("chat.msg", "Visitor 1", 2, msg="My lamp broke", msg_id="1"),
        _event("chat.memberjoin", "Dana", 3),
        _event("chat.msg", "Dana", 5, msg="Sorry to hear that"),
        _event("chat.tag", "Dana", 6, tags=[], new_tags=["x"]),
        _event("chat.msg", "Lee", 9, msg="I take over"),
        _event("chat.comment", "Visitor 1", 12, comment=None, new_comment="Fast!"),
    ],
}
ZENDESK_OFFLINE = {
    "type": "offline_msg",
    "id": "off1",
    "timestamp": "2024-05-01T09:00:00Z",
    "visitor": {"name": "Cy"},
    "message": "Call me",
}


def part(identity, kind, body, at, author="admin", name="Dana", **more):
    return {
        "type": "conversation_part",
        "id": identity,
        "part_type": kind,
        "body": body,
        "created_at": 1714550000 + at,
        "author": {"type": author, "id": f"{author}-{name}", "name": name, "email": f"{name}@acme.test"},
        "redacted": False,
        **more,
    }


PARTS = [
    part("p1", "comment", "<p>Hi, I am a bot.</p>", 5, "bot", "Fin"),
    part("p2", "conversation_attribute_updated_by_admin", None, 6),
    part("p3", "comment", "<p>Sorry, <b>Cy</b>.</p><p>5 &lt; 6</p>", 60),
    part("p4", "note", "<p>He pays late</p>", 70),
    part("p5", "assign_and_reopen", "<p>Lee takes over</p>", 80, name="Lee"),
    part("p6", "comment", "<p>Thanks</p>", 90, "user", "Cy"),
]
INTERCOM = {
    "type": "conversation",
    "id": "77",
    "created_at": 1714550000,
    "source": {
        "type": "conversation",
        "delivered_as": "customer_initiated",
        "subject": "",
        "body": "<p>My lamp broke</p>",
        "author": {"type": "user", "id": "user-Cy", "name": "Cy"},
    },
    "state": "closed",
    "conversation_rating": {"rating": 5, "remark": "Great", "created_at": 1714550200},
    "conversation_parts": {
        "type": "conversation_part.list",
        "conversation_parts": PARTS,
        "total_count": 6,
    },
}
INTERCOM_LIST = {
    "type": "conversation.list",
    "conversations": [INTERCOM, {**INTERCOM, "id": "78"}],
    "total_count": 2,
}
AIRBYTE = [
    {"stream": "conversations", "data": {**INTERCOM, "conversation_parts": None}, "emitted_at": 1},
    *({"stream": "conversation_parts", "data": {**p, "conversation_id": 77}, "emitted_at": 1} for p in PARTS),
]

VCON_TEXT = {
    "vcon": "0.0.1",
    "uuid": "vcon-1",
    "subject": "Lamp",
    "parties": [
        {"mailto": "cy@home.test", "name": "Cy", "role": "customer"},
        {"mailto": "dana@acme.test", "name": "Dana", "meta": {"role": "agent"}},
    ],
    "dialog": [
        {
            "type": "text",
            "start": "2024-05-01T09:00:00.000+00:00",
            "parties": [0, 1],
            "mediatype": "text/plain",
            "encoding": "none",
            "message_id": "<1@home.test>",
            "body": "My lamp broke.\n",
        },
        {
            "type": "text",
            "start": "2024-05-01T10:00:00.000+00:00",
            "parties": [1, 0],
            "mediatype": "text/plain",
            "encoding": "none",
            "body": "Sorry!\n\n   On Wed, 1 May 2024, 09:00, Cy <cy@home.test> wrote:\n\n  My lamp broke.\n",
        },
        {
            "type": "text",
            "start": "2024-05-01T11:00:00.000+00:00",
            "parties": 0,
            "originator": 0,
            "mediatype": "text/html",
            "encoding": "base64url",
            "body": "PHA-VGhhbmtzPC9wPg",
        },
    ],
    "analysis": [],
}


def vcon_call(body, kind="transcript", **more):
    analysis = {"type": kind, "dialog": 0, "vendor": "acme", "body": body, **more}
    return {
        "uuid": "vcon-2",
        "parties": [{"tel": "+1", "name": "Dana", "meta": {"role": "agent"}}, {"tel": "+2", "name": "Cy"}],
        "dialog": [
            {
                "type": "recording",
                "start": "2024-05-01T09:00:00",
                "duration": 9.5,
                "parties": [1, 0],
                "url": "x",
            }
        ],
        "analysis": [{"type": "summary", "dialog": 0, "body": "They talk."}, analysis],
    }


VCON_CALL = vcon_call([{"speaker": "Agent", "message": "Hello"}, {"speaker": "Cy", "message": "Hi"}])

LIVEPERSON = {
    "_metadata": {"count": 1},
    "conversationHistoryRecords": [
        {
            "info": {"conversationId": "lp-1", "startTimeL": 1714550000000, "source": "APP"},
            "messageRecords": [
                {
                    "type": "TEXT_PLAIN",
                    "messageData": {"msg": {"text": "My lamp broke"}},
                    "seq": 0,
                    "dialogId": "lp-1",
                    "participantId": "c1",
                    "timeL": 1714550000000,
                    "sentBy": "Consumer",
                },
                {
                    "type": "RICH_CONTENT",
                    "messageData": {
                        "richContent": {
                            "content": json.dumps(
                                {
                                    "type": "vertical",
                                    "elements": [
                                        {"type": "text", "text": "Pick one", "tooltip": "Pick one"},
                                        {"type": "button", "title": "Lamps", "click": {"actions": []}},
                                    ],
                                }
                            )
                        }
                    },
                    "seq": 1,
                    "dialogId": "lp-1",
                    "participantId": "b1",
                    "timeL": 1714550001500,
                    "sentBy": "Agent",
                },
                {
                    "type": "TEXT_PLAIN",
                    "messageData": {"msg": {"text": "Sorry about the lamp"}},
                    "seq": 2,
                    "dialogId": "lp-1",
                    "participantId": "a1",
                    "timeL": 1714550030000,
                    "sentBy": "Agent",
                },
                {
                    "type": "TEXT_PLAIN",
                    "messageData": {"msg": {"text": "Rate us"}},
                    "seq": 3,
                    "dialogId": "sv",
                    "participantId": "b1",
                    "timeL": 1714550040000,
                    "sentBy": "Agent",
                },
            ],
            "agentParticipants": [
                {"agentId": "a1", "userTypeName": "Human", "role": "AGENT", "agentNickname": "Dana"},
                {"agentId": "b1", "userTypeName": "Bot", "role": "ASSIGNED_AGENT", "agentNickname": "null"},
            ],
            "consumerParticipants": [{"participantId": "c1", "email": "undefined"}],
            "dialogs": [{"dialogId": "sv", "dialogType": "POST_SURVEY"}],
            "transfers": [],
        }
    ],
}

BODY = (
    '<p align="center">Chat Started: Wednesday, May 01, 2024, 09:00:00 (+0000)</p>'
    '<p align="center">Chat Origin: Lamps</p><p align="center">Agent Dana R</p>'
    "( 5s ) Dana R: Hi, I&#39;m Dana.<br>( 1m 13s ) Cy Stone: It broke<br>and it smells<br>"
    '<p align="center">Agent Lee</p>( 1h 2m 3s ) Lee: Note: I take over<br>( 1h 2m 9s ) '
)
SALESFORCE = {"attributes": {"type": "LiveChatTranscript"}, "Id": "5701", "Body": BODY}

ABCD = [
    {
        "convo_id": 11,
        "scenario": {"flow": "returns", "subflow": "size"},
        "original": [["agent", "Hi!"], ["customer", "I return it"], ["action", "Account pulled up."]],
        "delexed": [{"speaker": "agent", "text": "hi!", "turn_count": 1}],
    },
    {"convo_id": 12, "scenario": {}, "original": [["customer", "yo"]]},
]
TASKMASTER = {
    "conversation_id": "dlg-1",
    "instruction_id": "lamp-1",
    "utterances": [
        {"index": 0, "speaker": "USER", "text": "A lamp, please"},
        {"index": 1, "speaker": "ASSISTANT", "text": "Which one?", "segments": []},
    ],
}


def utterance(identity, conversation, speaker, text, parent, at, **more):
    return {
        "id": identity,
        "conversation_id": conversation,
        "speaker": speaker,
        "text": text,
        "reply-to": parent,
        "timestamp": at,
        "meta": {},
        "vectors": [],
        **more,
    }


CONVOKIT = [
    utterance("u1", "u1", "cy", "It broke", None, 1714550000),
    utterance("w1", "w1", "bo", "Other", None, 1714550001),
    utterance("u3", "u1", "cy", "[deleted]", "u2", 1714550300),
    utterance("u2", "u1", "dana", "Sorry", "u1", 1714550100),
]
TWCS_COLUMNS = "tweet_id,author_id,inbound,created_at,text,response_tweet_id,in_response_to_tweet_id"
TWCS = (
    TWCS_COLUMNS
    + """
3,cy,True,Wed May 01 09:10:00 +0000 2024,@Lamps &gt; thanks,,2
1,cy,True,Wed May 01 09:00:00 +0000 2024,"@Lamps it broke
badly","2,4",
9,bo,True,Wed May 01 09:00:00 +0000 2024,alone,,
2,Lamps,False,Wed May 01 09:05:00 +0000 2024,@cy sorry ^DR,3,1.0
4,Lamps,False,Wed May 01 09:06:00 +0000 2024,@cy 2/2,,1
8,Lamps,False,Wed May 01 09:06:00 +0000 2024,@x late answer,,777
"""
)

COMMENT_TABLE = """id,_fivetran_synced,body,created,public,ticket_id,user_id,voice_comment
1,2024,It broke,2024-05-01 09:00:00,TRUE,70,500,FALSE
2,2024,Hello?,2024-05-01 09:01:00,TRUE,71,502,FALSE
3,2024,"Sorry
> It broke",2024-05-01 09:30:00,TRUE,70,901,FALSE
4,2024,VIP!,2024-05-01 09:20:00,FALSE,70,901,FALSE
"""
USER_TABLE = """id,name,role,restricted_agent,ticket_restriction
500,Cy,end-user,TRUE,
901,Dana,agent,FALSE,
"""
EVENT_COLUMNS = "chat_id,created_at,actor_id,chat_index,message,original_message,type"
BOT = '"{""author"":{""display_name"":""Lamp Bot"",""type"":""BUSINESS""},""source"":{""type"":""zd:answerBot""}}"'
EVENT_TABLE = f"""{EVENT_COLUMNS}
c1,2024-05-01 09:00:05.000,agent:901,1,Hello,{BOT},ChatMessage
c1,2024-05-01 09:00:00.000,500,0,It broke,,ChatMessage
c1,2024-05-01 09:00:06.000,agent:901,2,,,ChatJoin
c1,2024-05-01 09:00:09.000,agent:901,3,Sorry,,ChatMessage
c2,2024-05-01 09:00:00.000,__trigger,0,Welcome,,ChatMessage
c2,2024-05-01 09:00:01.000,__system,1,Queue,,ChatMessage
c2,2024-05-01 09:00:02.000,444,2,Hi,,ChatMessage
"""
CHAT_TABLE = """chat_id,ticket_id,visitor_id,initiator,user_id
c2,1,v,1,444
"""


def mail(sender, at, body, identity, answers=None, subject="Lamp", **headers):
    lines = [
        f"From: {sender}",
        "To: help@acme.test",
        f"Date: Wed, 01 May 2024 {at} +0000",
        f"Subject: {subject}",
    ]
    lines += [f"Message-ID: <{identity}>"]
    lines += [f"In-Reply-To: <{answers}>", f"References: <{answers}>"] if answers else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\n".join([*lines, "", body])


FIRST = mail("Cy Stone <cy@home.test>", "09:00:00", "My lamp broke.\n\n-- \nCy Stone\n+1 555", "1@home.test")
SECOND = mail(
    '"Dana, Acme" <dana@acme.test>',
    "10:00:00",
    "Sorry, Cy.\n\nRegards,\nDana\n\nOn Wed, May 1, 2024 at 9:00 AM Cy Stone <cy@home.test>\nwrote:\n\n"
    "> My lamp broke.\n",
    "2@acme.test",
    "1@home.test",
    "Re: Lamp",
)
OTHER = mail("Bo <bo@x.test>", "09:30:00", "Another thing", "5@x.test", subject="Chair")
MBOX = "".join(f"From someone@x.test Wed May  1 09:00:00 2024\n{m}\n\n" for m in (FIRST, OTHER, SECOND))

JSON_EXPORTS = {
    "zendesk_tickets": [ZENDESK_COMMENTS, ZENDESK_AUDITS, ZENDESK_TICKETS, ZENDESK_EVENTS],
    "zendesk_chat": [ZENDESK_CHAT, ZENDESK_OFFLINE, {"chats": [ZENDESK_CHAT, ZENDESK_OFFLINE]}],
    "intercom": [INTERCOM, INTERCOM_LIST],
    "vcon": [VCON_TEXT, VCON_CALL],
    "liveperson": [LIVEPERSON, LIVEPERSON["conversationHistoryRecords"][0]],
    "salesforce_chat_json": [SALESFORCE],
    "abcd": ABCD,
    "taskmaster": [TASKMASTER],
    "convokit": [CONVOKIT[0]],
}
TEXT_EXPORTS = {
    "twcs": ("x.csv", TWCS),
    "zendesk_comments": ("x.csv", COMMENT_TABLE),
    "zendesk_chat_events": ("x.csv", EVENT_TABLE),
    "salesforce_chat": ("x.html", BODY),
    "email": ("x.eml", SECOND),
    "mbox": ("x.mbox", MBOX),
}
