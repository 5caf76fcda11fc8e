import { documented } from "./examples.ts";

documented({
  "datetime_add()": [
    [
      `print datetime_add('year',1,make_datetime(2017,1,1)), datetime_add('quarter',1,make_datetime(2017,1,1)), datetime_add('month',1,make_datetime(2017,1,1)), datetime_add('week',1,make_datetime(2017,1,1)), datetime_add('day',1,make_datetime(2017,1,1)), datetime_add('hour',1,make_datetime(2017,1,1)), datetime_add('minute',1,make_datetime(2017,1,1)), datetime_add('second',1,make_datetime(2017,1,1))`,
      '[["2018-01-01T00:00:00Z","2017-04-01T00:00:00Z","2017-02-01T00:00:00Z","2017-01-08T00:00:00Z","2017-01-02T00:00:00Z","2017-01-01T01:00:00Z","2017-01-01T00:01:00Z","2017-01-01T00:00:01Z"]]',
    ],
    [
      `print datetime_add('year',-5,make_datetime(2017,1,1)), datetime_add('quarter',12,make_datetime(2017,1,1)), datetime_add('month',-15,make_datetime(2017,1,1)), datetime_add('week',100,make_datetime(2017,1,1))`,
      '[["2012-01-01T00:00:00Z","2020-01-01T00:00:00Z","2015-10-01T00:00:00Z","2018-12-02T00:00:00Z"]]',
    ],
  ],
  "datetime_diff()": [
    [
      `print year = datetime_diff('year',datetime(2017-01-01),datetime(2000-12-31)),
quarter = datetime_diff('quarter',datetime(2017-07-01),datetime(2017-03-30)),
month = datetime_diff('month',datetime(2017-01-01),datetime(2015-12-30)),
week = datetime_diff('week',datetime(2017-10-29 00:00),datetime(2017-09-30 23:59)),
day = datetime_diff('day',datetime(2017-10-29 00:00),datetime(2017-09-30 23:59)),
hour = datetime_diff('hour',datetime(2017-10-31 01:00),datetime(2017-10-30 23:59)),
minute = datetime_diff('minute',datetime(2017-10-30 23:05:01),datetime(2017-10-30 23:00:59)),
second = datetime_diff('second',datetime(2017-10-30 23:00:10.100),datetime(2017-10-30 23:00:00.900)),
millisecond = datetime_diff('millisecond',datetime(2017-10-30 23:00:00.200100),datetime(2017-10-30 23:00:00.100900)),
microsecond = datetime_diff('microsecond',datetime(2017-10-30 23:00:00.1009001),datetime(2017-10-30 23:00:00.1008009)),
nanosecond = datetime_diff('nanosecond',datetime(2017-10-30 23:00:00.0000000),datetime(2017-10-30 23:00:00.0000007))`,
      "[[17,2,13,5,29,2,5,10,100,100,-700]]",
    ],
  ],
  "datetime_part()": [
    [
      `let dt = datetime(2017-10-30 01:02:03.7654321);
print datetime_part("year", dt), datetime_part("quarter", dt), datetime_part("month", dt), datetime_part("week_of_year", dt), datetime_part("day", dt), datetime_part("dayOfYear", dt), datetime_part("hour", dt), datetime_part("minute", dt), datetime_part("second", dt), datetime_part("millisecond", dt), datetime_part("microsecond", dt), datetime_part("nanosecond", dt)`,
      "[[2017,4,10,44,30,303,1,2,3,765,765432,765432100]]",
    ],
  ],
  "datetime / timespan arithmetic": [
    [
      "print datetime(1997-06-25) - datetime(1910-06-11), 1d + 2d, datetime(1910-06-11) + 1d, 1d / 5h, 1h / 1s, 1.5 * 1h",
      '[["31791.00:00:00","3.00:00:00","1910-06-12T00:00:00Z",4.8,3600,"01:30:00"]]',
    ],
  ],
  "dayofmonth()": [["print dayofmonth(datetime(2015-12-14))", "[[14]]"]],
  "dayofweek()": [
    ["print dayofweek(datetime(1947-11-30 10:00:05)), dayofweek(datetime(1970-05-11))", '[["00:00:00","1.00:00:00"]]'],
  ],
  "dayofyear()": [["print dayofyear(datetime(2015-12-14))", "[[348]]"]],
  "endofday()": [
    [
      "range offset from -1 to 1 step 1 | sort by offset asc | project dayEnd = endofday(datetime(2017-01-01 10:10:17), offset)",
      '[["2016-12-31T23:59:59.9999999Z"],["2017-01-01T23:59:59.9999999Z"],["2017-01-02T23:59:59.9999999Z"]]',
    ],
  ],
  "endofmonth()": [
    [
      "range offset from -1 to 1 step 1 | sort by offset asc | project monthEnd = endofmonth(datetime(2017-01-01 10:10:17), offset)",
      '[["2016-12-31T23:59:59.9999999Z"],["2017-01-31T23:59:59.9999999Z"],["2017-02-28T23:59:59.9999999Z"]]',
    ],
  ],
  "endofweek()": [
    [
      "range offset from -1 to 1 step 1 | sort by offset asc | project weekEnd = endofweek(datetime(2017-01-01 10:10:17), offset)",
      '[["2016-12-31T23:59:59.9999999Z"],["2017-01-07T23:59:59.9999999Z"],["2017-01-14T23:59:59.9999999Z"]]',
    ],
  ],
  "endofyear()": [
    [
      "range offset from -1 to 1 step 1 | sort by offset asc | project yearEnd = endofyear(datetime(2017-01-01 10:10:17), offset)",
      '[["2016-12-31T23:59:59.9999999Z"],["2017-12-31T23:59:59.9999999Z"],["2018-12-31T23:59:59.9999999Z"]]',
    ],
  ],
  "startofday()": [
    [
      "range offset from -1 to 1 step 1 | sort by offset asc | project dayStart = startofday(datetime(2017-01-01 10:10:17), offset)",
      '[["2016-12-31T00:00:00Z"],["2017-01-01T00:00:00Z"],["2017-01-02T00:00:00Z"]]',
    ],
  ],
  "startofmonth()": [
    [
      "range offset from -1 to 1 step 1 | sort by offset asc | project monthStart = startofmonth(datetime(2017-01-01 10:10:17), offset)",
      '[["2016-12-01T00:00:00Z"],["2017-01-01T00:00:00Z"],["2017-02-01T00:00:00Z"]]',
    ],
  ],
  "startofweek()": [
    [
      "range offset from -1 to 1 step 1 | sort by offset asc | project weekStart = startofweek(datetime(2017-01-01 10:10:17), offset)",
      '[["2016-12-25T00:00:00Z"],["2017-01-01T00:00:00Z"],["2017-01-08T00:00:00Z"]]',
    ],
    [
      `let startofweekFromMonday = (dateArg: datetime) { datetime_add('day', 1, startofweek(datetime_add('day', -1, dateArg))) };
let data=datatable(Date: datetime, day: string) [datetime(2025-06-14), "Saturday", datetime(2025-06-15), "Sunday", datetime(2025-06-16), "Monday", datetime(2025-06-17), "Tuesday"];
data | project day, MondayWeek=startofweekFromMonday(Date)`,
      '[["Saturday","2025-06-09T00:00:00Z"],["Sunday","2025-06-09T00:00:00Z"],["Monday","2025-06-16T00:00:00Z"],["Tuesday","2025-06-16T00:00:00Z"]]',
    ],
  ],
  "startofyear()": [
    [
      "range offset from -1 to 1 step 1 | sort by offset asc | project yearStart = startofyear(datetime(2017-01-01 10:10:17), offset)",
      '[["2016-01-01T00:00:00Z"],["2017-01-01T00:00:00Z"],["2018-01-01T00:00:00Z"]]',
    ],
  ],
  "format_datetime()": [
    [
      "let dt = datetime(2017-01-29 09:00:05); print v1=format_datetime(dt,'yy-MM-dd [HH:mm:ss]'), v2=format_datetime(dt, 'yyyy-M-dd [H:mm:ss]'), v3=format_datetime(dt, 'yy-MM-dd [hh:mm:ss tt]')",
      '[["17-01-29 [09:00:05]","2017-1-29 [9:00:05]","17-01-29 [09:00:05 AM]"]]',
    ],
    [
      "let t = datetime(2009-06-15T13:45:30.6175425); print format_datetime(t,'f'), format_datetime(t,'ff'), format_datetime(t,'fffffff'), format_datetime(t,'h'), format_datetime(t,'hh'), format_datetime(t,'HH'), format_datetime(t,'M'), format_datetime(t,'y'), format_datetime(t,'tt'), format_datetime(datetime(2009-06-15T13:45:30.0050000),'FF')",
      '[["6","61","6175425","1","01","13","6","9","PM",""]]',
    ],
  ],
  "format_timespan()": [
    [
      "let t = time(29.09:00:05.12345); print v1=format_timespan(t, 'dd.hh:mm:ss:FF'), v2=format_timespan(t, 'ddd.h:mm:ss [fffffff]')",
      '[["29.09:00:05:12","029.9:00:05 [1234500]"]]',
    ],
    [
      "let t = time(15.13:45:30); print format_timespan(t, 'd'), format_timespan(t, 'dd'), format_timespan(t, 'ddd'), format_timespan(t, 'HH'), format_timespan(t, 'm')",
      '[["15","15","015","13","45"]]',
    ],
  ],
  "getmonth()": [
    [
      "print month = getmonth(datetime(2015-10-12)), getyear(datetime(2015-10-12)), monthofyear(datetime(2015-12-14)), hourofday(datetime(2015-12-14 18:54))",
      "[[10,2015,12,18]]",
    ],
  ],
  "make_datetime()": [
    [
      "print year_month_day = make_datetime(2017,10,01), make_datetime(2017,10,01,12,10), make_datetime(2017,10,01,12,11,0.1234567)",
      '[["2017-10-01T00:00:00Z","2017-10-01T12:10:00Z","2017-10-01T12:11:00.1234567Z"]]',
    ],
  ],
  "make_timespan()": [
    ["print ['timespan'] = make_timespan(12,30,55), make_timespan(1,12,30,55)", '[["12:30:55","1.12:30:55"]]'],
  ],
  "todatetime()": [
    ['print todatetime("2015-12-24") == datetime(2015-12-24), isnull(todatetime("nope"))', "[[true,true]]"],
  ],
  "totimespan()": [['print totimespan("0.00:01:00") == time(1min)', "[[true]]"]],
  "timespan literals": [
    [
      "print 2d, 1.5h, 30m, 10s, 0.1s, 100ms, 10microsecond, 1tick, time(15 seconds), time(2), time(0.12:34:56.7)",
      '[["2.00:00:00","01:30:00","00:30:00","00:00:10","00:00:00.1000000","00:00:00.1000000","00:00:00.0000100","00:00:00.0000001","00:00:15","2.00:00:00","12:34:56.7000000"]]',
    ],
  ],
  "unixtime functions": [
    [
      "print unixtime_seconds_todatetime(1546300800), unixtime_milliseconds_todatetime(1546300800000), unixtime_microseconds_todatetime(1546300800000000), unixtime_nanoseconds_todatetime(1546300800000000000)",
      '[["2019-01-01T00:00:00Z","2019-01-01T00:00:00Z","2019-01-01T00:00:00Z","2019-01-01T00:00:00Z"]]',
    ],
  ],
  "week_of_year()": [
    [
      "print week_of_year(datetime(2020-12-31)), week_of_year(datetime(2020-06-15)), week_of_year(datetime(1970-01-01)), week_of_year(datetime(2000-01-01))",
      "[[53,25,1,52]]",
    ],
  ],
  "datetime_utc_to_local()": [
    [
      "print dt = datetime_utc_to_local(datetime(2022-07-18 12:00), 'Europe/London'), datetime_local_to_utc(datetime(2022-01-18 12:00), 'US/Pacific')",
      '[["2022-07-18T13:00:00Z","2022-01-18T20:00:00Z"]]',
    ],
  ],
  "between operator (datetimes)": [
    [
      "range t from datetime(2007-07-26) to datetime(2007-07-31) step 1d | where t between (datetime(2007-07-27) .. 3d) | count",
      "[[4]]",
    ],
  ],
  "ago()": [["print ago(1h) < now(), now() - ago(1d), now(-2d) == ago(2d)", '[[true,"1.00:00:00",true]]']],
});
